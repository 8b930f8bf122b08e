import { parsePciAddress } from '../../../../src-main/core/pci/address.ts';
import type { PciAddress } from '../../../../src-main/core/pci/address.ts';
import { Hierarchy } from '../../../../src-main/rigs/simulated/hardware/hierarchy.ts';
import type { SimulatedFunction } from '../../../../src-main/rigs/simulated/hardware/simulatedFunction.ts';
import type { TemplateName } from '../../../../src-main/rigs/simulated/hardware/templates.ts';

export const addressOf = (text: string): PciAddress => {
  const parsed = parsePciAddress(text);
  if (!parsed.ok) throw new Error(parsed.error.message);
  return parsed.value;
};

/** A function of this kind below a root port of its own, powered on and set up by firmware. */
export const hierarchyWith = (template: TemplateName): Hierarchy =>
  new Hierarchy({
    name: 'test',
    title: 'One function below a root port',
    platform: 'aer',
    functions: [
      {
        address: addressOf('0000:00:04.0'),
        template: 'rootPort',
        parent: null,
        iommuGroup: 4,
        slot: '1',
        driver: { kind: 'host', name: 'pcieport', use: 'free' },
        identity: { kind: 'pci' },
      },
      {
        address: addressOf('0000:01:00.0'),
        template,
        parent: addressOf('0000:00:04.0'),
        iommuGroup: 10,
        slot: '1',
        driver: { kind: 'vfio-pci' },
        identity: { kind: 'pci' },
      },
    ],
  });

export const functionAt = (hierarchy: Hierarchy, address: string): SimulatedFunction => {
  const node = hierarchy.node(addressOf(address));
  if (node === undefined) throw new Error(`There is no ${address}.`);
  return node.fn;
};

export const poweredFunction = (template: TemplateName): SimulatedFunction =>
  functionAt(hierarchyWith(template), '0000:01:00.0');

/** COMMAND as a driver that works leaves it: memory, bus master, SERR. */
export const workingCommand = 0x0106;
