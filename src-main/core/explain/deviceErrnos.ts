import type { ErrnoName } from '../errno.ts';
import { account, type Account } from './explanation.ts';
import type { Operation } from './operations.ts';

type Accounts = Readonly<Partial<Record<ErrnoName, Account>>>;

const resetDuringWait =
  'drivers/pci/pci.c, pci_try_reset_function(); observation 11; s390x facts, mediated recovery';

/** What an errno means for the calls on an open device: interrupts, resets, features, config space and BARs. */
export const deviceErrnos = {
  getInfo: {
    EINVAL: account(
      'The kernel rejected the size of the structure.',
      'The field argsz is smaller than the fixed part of vfio_device_info.',
      'This is a defect of the caller; report it with the journal of the run.',
      'drivers/vfio/pci/vfio_pci_core.c, vfio_pci_ioctl_get_info()',
    ),
    ENODEV: account(
      'The device is not there any more.',
      'It was removed while the file was open.',
      'Close the session and list the devices again.',
    ),
  },
  getIrqInfo: {
    EINVAL: account(
      'The kernel does not describe this interrupt index.',
      'For index 5 that is no proof of a missing handshake: the handshake patch counts six indexes in GET_INFO but does not answer GET_IRQ_INFO(5).',
      'Go by num_irqs of GET_INFO and by a trial SET_IRQS, not by this answer.',
      'Keith Busch, 2026-06-09; observation 1',
    ),
  },
  arm: {
    EINVAL: account(
      'The kernel did not register the eventfd.',
      'The index is not offered: index 3 needs a PCI Express function on kernels before 7.3, and index 5 needs the handshake patch or a variant driver that has it.',
      'Choose another protocol, or bind the device to a driver that offers this one.',
      'drivers/vfio/pci/vfio_pci_intrs.c; s390x facts, kernels 6.12 to 7.3',
    ),
    ENOTTY: account(
      'The kernel knows the index but not this action on it.',
      'Index 5 takes TRIGGER and UNMASK only; MASK is no part of the handshake.',
      'Register with DATA_EVENTFD and ACTION_TRIGGER.',
      'Keith Busch, 2026-06-09; observation 1',
    ),
    EBADF: account(
      'The number that was handed over is no eventfd.',
      'The eventfd was closed before it could be registered.',
      'Open the session again and arm once more.',
    ),
  },
  disarm: {
    EINVAL: account(
      'There was no eventfd to remove.',
      'The kernel removes only what is registered: DATA_NONE with ACTION_TRIGGER and count 0 finds an empty place.',
      'Nothing has to be done; the device is not armed.',
      'drivers/vfio/pci/vfio_pci_intrs.c, vfio_pci_set_ctx_trigger_single()',
    ),
  },
  acknowledge: {
    EINVAL: account(
      'The kernel did not take the ack.',
      'The ack is DATA_NONE with ACTION_UNMASK, start 0 and count 0; a count of 1 is refused. A kernel without the handshake refuses index 5 altogether.',
      'Send flags 0x11 with count 0. The wait goes on until its time is up.',
      'Keith Busch, 2026-06-09; observation 1',
    ),
    ENOTTY: account(
      'The kernel does not know this action on index 5.',
      'MASK was sent where UNMASK is the ack, or the function is not PCI Express.',
      'Send ACTION_UNMASK. The wait goes on until its time is up.',
      'Keith Busch, 2026-06-09; observation 1',
    ),
    ENODEV: account(
      'The device vanished during its wait.',
      'It was unplugged or removed before the ack arrived.',
      'Close the session; there is nothing left to recover.',
    ),
  },
  reset: {
    EAGAIN: account(
      'The kernel did not reset the device and changed nothing.',
      'Somebody holds the device lock: the kernel’s wait for an ack, or, on s390x, a recovery that has just signalled.',
      'During a wait, ack or withdraw first. On s390x try again: it succeeds 2 to 20 ms later.',
      resetDuringWait,
    ),
    EINVAL: account(
      'The kernel has no way to reset this function.',
      'At open it found neither a function-level reset nor another method for this device.',
      'Use the hot reset, which resets the whole slot or bus.',
      'drivers/vfio/pci/vfio_pci_core.c, vfio_pci_ioctl_reset()',
    ),
    ENOTTY: account(
      'No reset method worked on this function.',
      'Each method that the kernel knows said that it does not apply here.',
      'Look at reset_method in sysfs, and use the hot reset.',
      'drivers/pci/pci.c, __pci_reset_function_locked()',
    ),
    ENODEV: account(
      'The device did not answer the reset.',
      'It is gone from the bus, or its slot cannot be powered on again.',
      'Look at the kernel log; the device may have to be replugged.',
    ),
  },
  hotReset: {
    EAGAIN: account(
      'The kernel did not reset the slot and changed nothing.',
      'One function of the slot is locked, for example by the kernel’s wait for an ack.',
      'Ack or withdraw the open wait first, then try again.',
      'drivers/pci/pci.c, pci_try_reset_bus(); observation 11',
    ),
    EINVAL: account(
      'The kernel did not reset the slot.',
      'A function that the reset would hit is not bound to a VFIO driver, or its group was not handed over.',
      'Bind every function of the slot to vfio-pci, open them all and hand over all their groups.',
      'drivers/vfio/pci/vfio_pci_core.c, vfio_pci_dev_set_hot_reset()',
    ),
    EBUSY: account(
      'The kernel did not reset the slot and changed nothing.',
      'One of its functions was being accessed at that moment, so its memory lock could not be taken.',
      'Stop touching the functions of the slot, then try again.',
      'drivers/vfio/pci/vfio_pci_core.c, vfio_pci_dev_set_hot_reset()',
    ),
    ENODEV: account(
      'There is no slot or bus that could be reset.',
      'The function sits directly on the root bus, or the port above does not support it.',
      'Use the function’s own reset.',
      'drivers/vfio/pci/vfio_pci_core.c, vfio_pci_ioctl_pci_hot_reset()',
    ),
  },
  getHotResetInfo: {
    ENOSPC: account(
      'The list of affected functions is longer than the buffer.',
      'The kernel wrote the count, and expects a second call with room for all.',
      'Call again with the count that was returned.',
      'include/uapi/linux/vfio.h, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO',
    ),
    ENODEV: account(
      'There is no slot or bus that could be reset.',
      'The function sits directly on the root bus, or the port above does not support it.',
      'Use the function’s own reset.',
      'include/uapi/linux/vfio.h, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO',
    ),
    EPERM: account(
      'The kernel does not list the affected functions.',
      'One of them belongs to no IOMMU group, so nobody could prove to own it.',
      'Use the function’s own reset.',
      'drivers/vfio/pci/vfio_pci_core.c, vfio_pci_fill_devs()',
    ),
    EAGAIN: account(
      'The bus changed while the list was made.',
      'A function was added or removed at the same time.',
      'Ask again.',
      'drivers/vfio/pci/vfio_pci_core.c, vfio_pci_fill_devs()',
    ),
  },
  feature: {
    ENOTTY: account(
      'The kernel does not know this device feature.',
      'Feature 13 (VFIO_DEVICE_FEATURE_ZPCI_ERROR) came with Linux 7.3 and is for s390x. An older kernel recovers by itself and does not leave the device to user space.',
      'Use the legacy protocol on this kernel.',
      's390x facts, the table of kernels',
    ),
    ENOMSG: account(
      'The queue of error records is empty.',
      'Every record has been read, or the signal was a loop-back or otherwise spurious.',
      'Stop draining. After a signal with nothing behind it no recovery is open.',
      's390x facts, feature 13',
    ),
    EINVAL: account(
      'The kernel rejected the form of the feature request.',
      'Feature 13 takes GET and PROBE only, with argsz 16 and a pointer that is not null.',
      'This is a defect of the caller; report it with the journal of the run.',
      's390x facts, feature 13',
    ),
    EFAULT: account(
      'The kernel could not write the error record.',
      'Feature 13 carries a pointer to user memory, and the memory behind it cannot be written.',
      'This is a defect of the caller; report it with the journal of the run.',
      's390x facts, feature 13',
    ),
  },
  readConfig: {
    ENODEV: account(
      'The config space cannot be read.',
      'On s390x the function is in the error state: reads that reach the hardware fail. Vendor and device id still read well, because VFIO answers them itself.',
      'Reset the device. Never take the ids for a health check.',
      's390x facts, in error',
    ),
    EIO: account(
      'The device did not answer the config read.',
      'The link is down, or the function is powered off.',
      'Look at the link state of the port above and at the kernel log.',
    ),
  },
  writeConfig: {
    ENODEV: account(
      'The config space cannot be written.',
      'On s390x the function is in the error state, and accesses to the hardware fail.',
      'Reset the device first, then write the registers again.',
      's390x facts, in error',
    ),
    EFAULT: account(
      'The write was not carried out.',
      'The offset lies beyond the end of the config space, or the bytes could not be read from this process. A protected register gives no error: VFIO drops the write in silence.',
      'Check the offset, and read the register back instead of trusting the write.',
      'drivers/vfio/pci/vfio_pci_config.c, vfio_config_do_rw()',
    ),
  },
  readBar: {
    EIO: account(
      'The BAR was not read.',
      'COMMAND.Memory is off, so the device decodes no address. After a reset by the kernel that is the normal state.',
      'Write COMMAND through VFIO first; that also puts the BARs back.',
      'drivers/vfio/pci/vfio_pci_rdwr.c; observations 3 and 4',
    ),
    EINVAL: account(
      'The kernel does not read this BAR or this offset.',
      'The BAR does not exist, or the offset lies beyond its end.',
      'Ask GET_REGION_INFO for the BARs and their sizes.',
      'drivers/vfio/pci/vfio_pci_rdwr.c',
    ),
    ENODEV: account(
      'The BAR cannot be read.',
      'The function is in the error state or gone.',
      'Reset the device, and look at the kernel log.',
    ),
  },
  eeh: {
    EINVAL: account(
      'The kernel rejected the EEH operation.',
      'The number of the operation or the size of the structure is wrong, or the group holds more than one PE.',
      'Give each PE a container of its own, and check that EEH is enabled for it.',
      'drivers/vfio/vfio_spapr_eeh.c',
    ),
    ENOTTY: account(
      'The container knows no EEH.',
      'EEH exists on powerpc only, with the sPAPR TCE IOMMU.',
      'Use another protocol on this machine.',
      'drivers/vfio/vfio_spapr_eeh.c',
    ),
    ENODEV: account(
      'The container holds no PE.',
      'No group is attached, or its PE has been removed.',
      'Attach the group first.',
      'drivers/vfio/vfio_spapr_eeh.c',
    ),
    EIO: account(
      'The operation on the PE was not carried out.',
      'EEH is not enabled for it, its bridge does not answer, or the PE is permanently unavailable.',
      'Ask for the state of the PE; an unavailable one has to be replugged.',
      'Documentation/driver-api/vfio.rst',
    ),
  },
} satisfies Partial<Record<Operation, Accounts>>;
