import { commandBit, configOffset } from '../../core/pci/registers.ts';
import { success, type Result } from '../../core/result.ts';
import { encodeAcknowledge, encodeUnregister } from '../../core/vfio/irqSet.ts';
import { pciIrqIndexes, pciRegionIndexes, vfioRequests } from '../../core/vfio/numbers.ts';
import { hostOrder } from '../kernel.ts';
import type { AutomaticAnswer, PreparedCall } from '../waiter/messages.ts';
import { littleEndian, type VfioDeviceFile } from './deviceFile.ts';

/**
 * What the waiter does by itself at the next error signal of a `notify` device: bus master off, MSI-X off, ack
 * (observation 11: these work during the wait). The COMMAND that it writes is the present one without bus master, so
 * it is prepared when the device is in service, and handed down anew after each recovery.
 */
export const prepareAutomaticAnswer = (file: VfioDeviceFile, hasMsix: boolean): Result<AutomaticAnswer> => {
  const command = file.readConfig(configOffset.command, 2);
  if (!command.ok) return command;
  const position = file.locate(pciRegionIndexes.VFIO_PCI_CONFIG_REGION_INDEX, configOffset.command, 2);
  if (!position.ok) return position;
  const setIrqs = (argument: Uint8Array): PreparedCall => ({
    call: 'ioctl',
    fd: file.fd,
    request: vfioRequests.VFIO_DEVICE_SET_IRQS,
    argument,
  });
  const busMasterOff: PreparedCall = {
    call: 'pwrite',
    fd: file.fd,
    offset: position.value,
    bytes: littleEndian(command.value & ~commandBit.busMaster, 2),
  };
  const msixOff = setIrqs(encodeUnregister(hostOrder, pciIrqIndexes.VFIO_PCI_MSIX_IRQ_INDEX));
  return success({
    quiesce: hasMsix ? [busMasterOff, msixOff] : [busMasterOff],
    acknowledge: setIrqs(encodeAcknowledge(hostOrder)),
    uses: 1,
  });
};
