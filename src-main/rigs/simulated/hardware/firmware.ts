import { partsOf } from '../../../core/pci/address.ts';
import { aerRegister, aerRootCommandBit } from '../../../core/pci/capability-registers.ts';
import { resizableBarRegister } from '../../../core/pci/capability-registers.ts';
import { extendedCapabilityId } from '../../../core/pci/capability-ids.ts';
import { longAt } from '../../../core/pci/bytes.ts';
import { bridgeControlBit, bridgeOffset, commandBit, configOffset } from '../../../core/pci/registers.ts';
import { offsetOfCapability } from './configSpaceLayout.ts';
import type { BarSpec } from './configSpaceLayout.ts';
import type { Hierarchy, HierarchyNode } from './hierarchy.ts';
import type { SimulatedFunction } from './simulatedFunction.ts';

/** One of the two lines that SeaBIOS gives to PCI on a q35; the kernel leaves the register alone. */
const interruptLine = 0x0a;

/** Bus addresses are handed out from the bottom of each window, one set of windows for each domain. */
interface Windows {
  io: number;
  memory32: number;
  memory64: number;
}

const emptyWindows = (): Windows => ({ io: 0x6000, memory32: 0xc000_0000, memory64: 0x38_8000_0000 });

/** The largest size the BAR can be given: its place has to fit that one too. */
const largestSize = (fn: SimulatedFunction, bar: BarSpec): number => {
  const rebar = offsetOfCapability(fn.layout, 'extended', extendedCapabilityId.resizableBar);
  if (rebar === 0) return bar.size;
  const { resetValue } = fn.layout;
  const control = longAt(resetValue, rebar + resizableBarRegister.control);
  const sizes = longAt(resetValue, rebar + resizableBarRegister.capabilities) >>> 4;
  return (control & 7) === bar.index ? 2 ** (20 + 31 - Math.clz32(sizes)) : bar.size;
};

const assignBars = (fn: SimulatedFunction, windows: Windows): void => {
  for (const bar of fn.layout.bars) {
    const size = largestSize(fn, bar);
    const address = Math.ceil(windows[bar.type] / size) * size;
    windows[bar.type] = address + size;
    fn.assignedBars[bar.index] = address;
  }
};

/** The BAR registers get the addresses that the platform forwards. */
export const writeAssignedBars = (fn: SimulatedFunction): void => {
  for (const bar of fn.layout.bars) {
    const address = fn.assignedBars[bar.index] ?? 0;
    fn.writeConfig(configOffset.baseAddress0 + 4 * bar.index, 4, address % 2 ** 32);
    if (bar.type === 'memory64') {
      fn.writeConfig(configOffset.baseAddress0 + 4 * bar.index + 4, 4, Math.floor(address / 2 ** 32));
    }
  }
};

const setUpPort = (node: HierarchyNode, buses: { subordinate: number }): void => {
  const { fn, description, children } = node;
  fn.writeConfig(bridgeOffset.primaryBus, 1, partsOf(description.address).bus);
  const [first] = children;
  fn.writeConfig(
    bridgeOffset.secondaryBus,
    1,
    first === undefined ? 0 : partsOf(first.description.address).bus,
  );
  fn.writeConfig(bridgeOffset.subordinateBus, 1, buses.subordinate);
  // Windows wide enough for everything below: the model decodes by the endpoints' BARs alone.
  fn.writeConfig(bridgeOffset.memoryBase, 2, 0xc000);
  fn.writeConfig(bridgeOffset.memoryLimit, 2, 0xfdf0);
  fn.writeConfig(bridgeOffset.prefetchableBaseUpper, 4, 0x38);
  fn.writeConfig(bridgeOffset.prefetchableLimitUpper, 4, 0x3f);
  fn.writeConfig(bridgeOffset.prefetchableLimit, 2, 0xfff0);
  fn.writeConfig(bridgeOffset.bridgeControl, 2, bridgeControlBit.serr);
  const forwarding = commandBit.ioSpace | commandBit.memorySpace | commandBit.busMaster | commandBit.serr;
  fn.writeConfig(configOffset.command, 2, forwarding);
  if (fn.template.kind === 'rootPort' && fn.aerCapability !== 0) {
    // The kernel's AER service does this when it binds (drivers/pci/pcie/aer.c, aer_enable_rootport).
    const { correctableEnable, nonFatalEnable, fatalEnable } = aerRootCommandBit;
    fn.writeConfig(
      fn.aerCapability + aerRegister.rootCommand,
      4,
      correctableEnable | nonFatalEnable | fatalEnable,
    );
  }
};

const highestBus = (hierarchy: Hierarchy, node: HierarchyNode): number =>
  Math.max(...hierarchy.below(node).map((below) => partsOf(below.description.address).bus), 0);

/**
 * What firmware leaves behind for the kernel to find: BARs placed, bridges open, COMMAND as SeaBIOS sets it (I/O,
 * memory, SERR, whatever BARs there are). On s390x there is no firmware's hand in it: BARs stay 0, and there is no SERR to
 * speak of.
 */
export const powerOn = (hierarchy: Hierarchy): void => {
  const domains = new Map<number, Windows>();
  const { platform } = hierarchy.topology;
  const command = commandBit.memorySpace | (platform === 'zpci' ? 0 : commandBit.ioSpace | commandBit.serr);
  for (const node of hierarchy.nodes) {
    const { domain } = partsOf(node.description.address);
    const windows = domains.get(domain) ?? emptyWindows();
    domains.set(domain, windows);
    if (node.fn.template.kind !== 'endpoint') {
      setUpPort(node, { subordinate: highestBus(hierarchy, node) });
      continue;
    }
    if (platform !== 'zpci') {
      assignBars(node.fn, windows);
      writeAssignedBars(node.fn);
    }
    node.fn.writeConfig(configOffset.command, 2, command);
    if (platform === 'aer') node.fn.writeConfig(configOffset.interruptLine, 1, interruptLine);
  }
};
