import { topologies } from '../../src-main/rigs/simulated/hardware/topologies.ts';
import { RecordedMachine } from './recordedMachine.ts';

/** What sysfs shows of a function besides what every function has; as a 7.3 guest of QEMU wrote it, without the line ends. */
export const zpciAttributes = {
  function_id: '0x00000056',
  uid: '0x1234',
  function_handle: '0x80020000',
  pchid: '0x0000',
  pfgid: '0xff',
  pft: '0x00',
  vfn: '0x0000',
  uid_is_unique: '1',
} as const;

export const zpciAddress = '1234:00:00.0';
export const otherZpciAddress = '1235:00:00.0';

/** An s390x machine with two functions on vfio-pci and one of the host. */
export const zpciMachine = (): RecordedMachine => {
  const machine = new RecordedMachine(topologies.zpci);
  for (const [address, changes] of [
    [zpciAddress, {}],
    [otherZpciAddress, { function_id: '0x00000057', uid: '0x1235', function_handle: '0x80020001' }],
    ['2000:00:00.0', { function_id: '0x00000100', uid: '0x2000', function_handle: '0x80020002' }],
  ] as const) {
    for (const [name, value] of Object.entries({ ...zpciAttributes, ...changes })) {
      machine.attribute(address, name, `${value}\n`);
    }
    // Written to and never read.
    for (const name of ['recover', 'report_error']) machine.attribute(address, name, '');
    const fid = ({ ...zpciAttributes, ...changes }.function_id as string).slice(2);
    machine.file(`sys/bus/pci/slots/${fid}/power`, '1\n');
  }
  machine.file('sys/firmware/clp/uid_checking', '1\n');
  return machine;
};
