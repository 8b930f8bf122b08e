import type { AerError } from '../../../core/pci/aer.ts';
import { partsOf, requesterIdOf } from '../../../core/pci/address.ts';
import type { PciAddress } from '../../../core/pci/address.ts';
import { latchError, receiveErrorMessage } from './errorLatch.ts';
import type { LatchResult } from './errorLatch.ts';
import { powerOn } from './firmware.ts';
import { SimulatedFunction } from './simulatedFunction.ts';
import { templates } from './templates.ts';
import type { Topology, TopologyFunction } from './topology.ts';
import { bridgeControlBit, bridgeOffset, commandBit } from '../../../core/pci/registers.ts';

/** A function in its place: what it is, what is above it and what is right below it. */
export interface HierarchyNode {
  readonly description: TopologyFunction;
  readonly fn: SimulatedFunction;
  readonly parent: HierarchyNode | undefined;
  readonly children: readonly HierarchyNode[];
}

interface GrowingNode extends HierarchyNode {
  readonly children: GrowingNode[];
}

/** How far an error message came on its way to the root port. */
export type RoutedError =
  | Exclude<LatchResult, { kind: 'message' }>
  | {
      readonly kind: 'lost';
      readonly at: 'bridgeSerr' | 'noRootPort' | 'rootCommand';
      readonly node?: PciAddress;
    }
  | {
      readonly kind: 'reported';
      readonly severity: Extract<LatchResult, { kind: 'message' }>['severity'];
      readonly rootPort: HierarchyNode;
    };

/** The functions of a topology as hardware, powered on and set up by firmware. */
export class Hierarchy {
  readonly topology: Topology;
  readonly nodes: readonly HierarchyNode[];
  readonly #byAddress = new Map<PciAddress, HierarchyNode>();

  /** Throws on a topology whose parents do not stand before their children: topologies are program text. */
  constructor(topology: Topology) {
    this.topology = topology;
    const nodes: GrowingNode[] = [];
    const growing = new Map<PciAddress, GrowingNode>();
    const attachment = topology.platform === 'zpci' ? 'zpci' : 'memoryBus';
    for (const description of topology.functions) {
      const { address, parent: above } = description;
      const parent = above === null ? undefined : growing.get(above);
      if (above !== null && parent === undefined)
        throw new Error(`${address} stands before its parent ${above}.`);
      const fn = new SimulatedFunction(address, templates[description.template], attachment);
      const node: GrowingNode = { description, fn, parent, children: [] };
      fn.onSecondaryBusReset = () => this.resetBelow(node);
      parent?.children.push(node);
      growing.set(address, node);
      this.#byAddress.set(address, node);
      nodes.push(node);
    }
    this.nodes = nodes;
    powerOn(this);
  }

  node(address: PciAddress): HierarchyNode | undefined {
    return this.#byAddress.get(address);
  }

  /** All functions below a port, nearest first. */
  below(port: HierarchyNode): readonly HierarchyNode[] {
    return port.children.flatMap((child) => [child, ...this.below(child)]);
  }

  /** The functions of the same device (same bus and device number), this one included. */
  functionsOfDevice(node: HierarchyNode): readonly HierarchyNode[] {
    const own = partsOf(node.description.address);
    const beside = node.parent?.children ?? this.nodes.filter((other) => other.parent === undefined);
    return beside.filter((other) => {
      const parts = partsOf(other.description.address);
      return parts.domain === own.domain && parts.bus === own.bus && parts.device === own.device;
    });
  }

  rootPortOf(node: HierarchyNode): HierarchyNode | undefined {
    let up: HierarchyNode | undefined = node;
    while (up !== undefined && up.fn.template.kind !== 'rootPort') up = up.parent;
    return up;
  }

  /** Hot reset of everything below a port, as the secondary bus reset bit does it. The port keeps its registers. */
  resetBelow(port: HierarchyNode): void {
    for (const child of port.children) {
      child.fn.conventionalReset();
      this.resetBelow(child);
    }
  }

  /**
   * `error` happens at a function: latched there, sent up through every port, noted by the root port. A port passes an
   * uncorrectable message on only with SERR enabled in its Bridge Control and its COMMAND (PCIe 6.2.8.1, and QEMU).
   */
  reportError(node: HierarchyNode, error: AerError, header?: readonly number[]): RoutedError {
    const latched = latchError(node.fn, error, header);
    if (latched.kind === 'lost') return latched;
    const rootPort = this.rootPortOf(node);
    if (rootPort === undefined) return { kind: 'lost', at: 'noRootPort' };
    const { severity } = latched;
    if (severity !== 'correctable') {
      for (let up = node.parent; up !== undefined; up = up.parent) {
        const forwards = (up.fn.readConfig(bridgeOffset.bridgeControl, 2) & bridgeControlBit.serr) !== 0;
        if (!forwards || (up.fn.command & commandBit.serr) === 0) {
          return { kind: 'lost', at: 'bridgeSerr', node: up.description.address };
        }
        if (up === rootPort) break;
      }
    }
    const received = receiveErrorMessage(rootPort.fn, severity, requesterIdOf(node.description.address));
    return received.kind === 'interrupt'
      ? { kind: 'reported', severity, rootPort }
      : { kind: 'lost', at: 'rootCommand', node: rootPort.description.address };
  }
}
