import type { AerError } from '../../../src-main/core/pci/aer.ts';
import type { PciAddress } from '../../../src-main/core/pci/address.ts';
import { done, failure, type Result } from '../../../src-main/core/result.ts';
import type { MachineEvent } from '../../../src-main/kernel/events/machineEvents.ts';
import { LinuxRig, type LinuxRigParts } from '../../../src-main/rigs/linux/linuxRig.ts';
import { monotonicClock } from '../../../src-main/rigs/linux/monotonicClock.ts';
import type { Topology } from '../../../src-main/rigs/simulated/hardware/topology.ts';
import { RecordedMachine } from '../../kernel/recordedMachine.ts';

export const valueOf = <Value>(result: Result<Value>): Value => {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
  return result.value;
};

export const clock = monotonicClock(() => performance.now() * 1_000);

export interface RecordedRig {
  readonly rig: LinuxRig;
  readonly machine: RecordedMachine;
  /** As the kernel of the machine would tell it. */
  readonly tell: (event: MachineEvent) => void;
  readonly released: () => boolean;
  dispose(): Promise<void>;
}

/** The rig over a machine made of files; VFIO refuses every device there. */
export const recordedRig = async (
  topology: Topology,
  injectAer: (machine: RecordedMachine, address: PciAddress, error: AerError) => Result<void> = () => done,
  changes: Partial<LinuxRigParts> = {},
  machine: RecordedMachine = new RecordedMachine(topology),
): Promise<RecordedRig> => {
  let tell: (event: MachineEvent) => void = () => undefined;
  let released = false;
  const rig = await LinuxRig.start({
    info: { kind: 'local', name: 'local', title: 'Files', kernel: '6.1.0', architecture: 'x86_64' },
    clock,
    tree: machine.tree,
    write: machine.write,
    seconds: () => 1_800_000_000,
    openVfioDevice: async ({ function: { address } }) => failure('kernelRefused', `No VFIO for ${address}.`),
    injectAer: async (address, error) => injectAer(machine, address, error),
    openTrace: async () => failure('notSupported', 'Files are not traced.'),
    listen: async (listener) => {
      tell = listener;
      return { ueventTrouble: null, kernelLogTrouble: null, close: async () => undefined };
    },
    patience: 60_000,
    release: async () => {
      released = true;
    },
    ...changes,
  });
  return {
    rig,
    machine,
    tell: (event) => tell(event),
    released: () => released,
    dispose: async () => {
      await rig.close();
      machine.dispose();
    },
  };
};
