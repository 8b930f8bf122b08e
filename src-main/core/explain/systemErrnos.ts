import type { ErrnoName } from '../errno.ts';
import { account, type Account } from './explanation.ts';
import type { Operation } from './operations.ts';

type Accounts = Readonly<Partial<Record<ErrnoName, Account>>>;

/** What an errno means for the calls around a device: groups, containers, DMA, sysfs, injectors and the journal. */
export const systemErrnos = {
  open: {
    ENOENT: account(
      'There is no VFIO file for this device.',
      'The vfio-pci module is not loaded, or the device is not bound to a VFIO driver.',
      'Load vfio-pci and bind the device to it; then /dev/vfio holds its group.',
    ),
    EACCES: account(
      'The VFIO file may not be opened by this user.',
      'The group file in /dev/vfio belongs to root unless somebody has given it away.',
      'Give the group file to the user of the agent, for example with a udev rule.',
    ),
    EPERM: account(
      'The kernel did not let the device be opened.',
      'The group has no IOMMU behind it, and such a group needs CAP_SYS_RAWIO.',
      'Switch the IOMMU on, on the kernel command line and in the firmware.',
      'drivers/vfio/container.c and vfio_main.c (VFIO_NO_IOMMU)',
    ),
    EBUSY: account(
      'The group or the device is open elsewhere.',
      'A group can be opened once; QEMU or another console holds it.',
      'Close the other program, then open the device again.',
      'drivers/vfio/vfio_main.c, vfio_group_fops_open()',
    ),
    ENODEV: account(
      'The device is not in this group, or does not answer.',
      'It was removed, is bound to another driver, or died of an error on an old kernel (observed on 6.12).',
      'List the devices again; if it is still there, rescan the bus or replug it.',
      's390x facts, the table of kernels',
    ),
    EINVAL: account(
      'The group is not ready to be used.',
      'It has no container yet, or the container has no IOMMU model.',
      'Set the container and its IOMMU first.',
      'drivers/vfio/vfio_main.c',
    ),
    EIO: account(
      'The kernel could not enable the device.',
      'It does not wake up from its low-power state, or its config space does not answer.',
      'Look at the kernel log, and power the slot off and on.',
    ),
  },
  setContainer: {
    EPERM: account(
      'The group cannot be put into the container.',
      'A sibling function in the same IOMMU group is bound to a driver that is not VFIO; a sibling without a driver would be allowed.',
      'Unbind the sibling, or bind it to vfio-pci as well.',
      'drivers/vfio; x86 facts, multi-function devices without ACS',
    ),
    EINVAL: account(
      'The group cannot be put into the container.',
      'It is in a container already, or the file is no container.',
      'Use the container that it is in, or take it out first.',
      'drivers/vfio/vfio_main.c, vfio_group_ioctl_set_container()',
    ),
    ENODEV: account(
      'The group has no device any more.',
      'Its last function was removed.',
      'List the devices again.',
      'drivers/vfio/vfio_main.c, vfio_group_ioctl_set_container()',
    ),
    EBUSY: account(
      'The group cannot be put into the container.',
      'Another process has the group open.',
      'Close the other program, then open the device again.',
    ),
  },
  mapDma: {
    EINVAL: account(
      'The memory was not mapped for the device.',
      'Address, length and IOVA are not page-aligned, or the IOVA lies outside the range that the IOMMU offers.',
      'Keep to the IOVA ranges of VFIO_IOMMU_GET_INFO; on s390x from start_dma to end_dma.',
      'drivers/vfio/vfio_iommu_type1.c, vfio_dma_do_map()',
    ),
    EEXIST: account(
      'The memory was not mapped for the device.',
      'The IOVA is mapped already. After an error on s390x mappings have to be made again: unmap first.',
      'Unmap the range, then map it.',
      'drivers/vfio/vfio_iommu_type1.c, vfio_dma_do_map(); s390x facts',
    ),
    ENOMEM: account(
      'The memory was not mapped for the device.',
      'Mapped memory is pinned and counts against the memory lock limit of the user.',
      'Raise "ulimit -l" for the agent.',
      'drivers/vfio/vfio_iommu_type1.c, vfio_lock_acct()',
    ),
    ENOSPC: account(
      'The memory was not mapped for the device.',
      'The number of mappings of this container is used up (dma_entry_limit of vfio_iommu_type1).',
      'Map fewer and larger ranges.',
      'drivers/vfio/vfio_iommu_type1.c, vfio_dma_do_map()',
    ),
    EFAULT: account(
      'The memory was not mapped for the device.',
      'The memory of the process cannot be pinned; it is not mapped or not writable.',
      'This is a defect of the caller; report it with the journal of the run.',
    ),
  },
  unmapDma: {
    EINVAL: account(
      'The range was not unmapped.',
      'It cuts a mapping in two, or is not page-aligned.',
      'Unmap exactly what was mapped.',
      'drivers/vfio/vfio_iommu_type1.c, vfio_dma_do_unmap()',
    ),
    ENOENT: account(
      'The range was not unmapped.',
      'Nothing is mapped there.',
      'Nothing has to be done; the range can be mapped.',
    ),
  },
  bind: {
    ENODEV: account(
      'The driver does not take this device.',
      'Its id table does not list the device, and driver_override does not name it.',
      'Write the driver’s name to driver_override, then to drivers_probe. On s390x it has to be written again after every rescan.',
      'Documentation/ABI/testing/sysfs-bus-pci; s390x facts',
    ),
    EBUSY: account(
      'The device was not bound.',
      'Another driver has it, or it is a physical function with virtual functions switched on, which vfio-pci refuses.',
      'Unbind the other driver, or write 0 to sriov_numvfs first.',
      'drivers/vfio/pci/vfio_pci_core.c, vfio_pci_core_register_device()',
    ),
    EACCES: account(
      'The sysfs file may not be written by this user.',
      'Binding drivers is up to root.',
      'Run the agent as root, or bind the device beforehand.',
    ),
    ENOENT: account(
      'There is no such driver or device in sysfs.',
      'The module is not loaded, or the address is wrong.',
      'Load the module, and list the devices again.',
    ),
    EINVAL: account(
      'The driver refused the device when it probed it.',
      'The driver vfio-pci takes only functions with a normal header and an IOMMU group; a bridge is neither.',
      'Choose an endpoint, and check that the IOMMU is switched on.',
      'drivers/vfio/pci/vfio_pci_core.c, vfio_pci_core_register_device()',
    ),
  },
  unbind: {
    ENODEV: account(
      'The device is not bound to this driver.',
      'It was unbound already, or another driver has it.',
      'List the devices again.',
    ),
    EACCES: account(
      'The sysfs file may not be written by this user.',
      'Unbinding drivers is up to root.',
      'Run the agent as root.',
    ),
    ETIMEDOUT: account(
      'The unbind did not come back.',
      'It waits for the device lock, which the kernel holds for the whole wait for an ack; the release request (index 4) comes only after it.',
      'Ack or withdraw the open wait; the unbind then goes on by itself.',
      'observation 11',
    ),
  },
  sysfsReset: {
    ENOTTY: account(
      'The kernel has no way to reset this function.',
      'No reset method applies to it, or the methods were switched off in reset_method.',
      'Use the hot reset, or look at reset_method.',
      'drivers/pci/pci.c, pci_reset_function()',
    ),
    EINVAL: account(
      'The kernel did not understand what was written.',
      'The reset file takes 1 and nothing else.',
      'Write 1 into it.',
      'drivers/pci/pci-sysfs.c, reset_store()',
    ),
    ENOENT: account(
      'The function has no reset file.',
      'The kernel knows no reset method for it.',
      'Use the hot reset.',
      'drivers/pci/pci-sysfs.c, pci_dev_reset_attr_is_visible()',
    ),
    EACCES: account(
      'The reset file may not be written by this user.',
      'It belongs to root.',
      'Run the agent as root.',
    ),
    ETIMEDOUT: account(
      'The reset did not come back.',
      'The write waits for the device lock, which the kernel holds for the whole wait for an ack. A program that waits for it cannot ack.',
      'Never write it during a wait; ack or withdraw first.',
      'observation 11',
    ),
  },
  aerInject: {
    EPERM: account(
      'The kernel did not inject the error.',
      'Injecting needs CAP_SYS_ADMIN.',
      'Run the agent as root, or use another injector.',
      'drivers/pci/pcie/aer_inject.c, aer_inject_write()',
    ),
    ENODEV: account(
      'The kernel did not inject the error.',
      'The device does not exist, or there is no root port above it that handles AER.',
      'Check the address, and choose a device below a root port whose AER the kernel owns.',
      'drivers/pci/pcie/aer_inject.c, aer_inject()',
    ),
    EINVAL: account(
      'The kernel did not inject the error.',
      'The device masks this error in its AER mask register, or the request has the wrong size.',
      'Unmask the error, or load aer_inject with aer_mask_override=1.',
      'drivers/pci/pcie/aer_inject.c, aer_inject()',
    ),
    EPROTONOSUPPORT: account(
      'The kernel did not inject the error.',
      'The device or its root port has no AER capability, or the AER service of the port is not running. QEMU’s nvme has none.',
      'Choose a device with AER below a port with AER, and boot without pci=noaer.',
      'drivers/pci/pcie/aer_inject.c, aer_inject(); x86 facts',
    ),
    ENOENT: account(
      'There is no /dev/aer_inject.',
      'The aer_inject module is not loaded, or the kernel was built without it.',
      'Load aer_inject, or use another injector.',
      'x86 facts, injection by kernel',
    ),
    EACCES: account(
      'The file /dev/aer_inject may not be opened by this user.',
      'It belongs to root.',
      'Run the agent as root, or use another injector.',
    ),
    ENOMEM: account(
      'The kernel did not inject the error.',
      'It had no memory for its note of the error.',
      'Free memory and try again.',
      'drivers/pci/pcie/aer_inject.c, aer_inject()',
    ),
    EFAULT: account(
      'The kernel could not read the request.',
      'The memory that was handed over is not mapped.',
      'This is a defect of the caller; report it with the journal of the run.',
      'drivers/pci/pcie/aer_inject.c, aer_inject_write()',
    ),
  },
  journal: {
    ENOSPC: account(
      'The journal line was not written.',
      'The disk is full.',
      'Make room and start a new run. What cannot be recorded is not done.',
    ),
    EFBIG: account(
      'The journal line was not written.',
      'The file has reached the size that this user may write.',
      'Raise "ulimit -f", and start a new run.',
    ),
    EDQUOT: account(
      'The journal line was not written.',
      'The disk quota of the user is used up.',
      'Remove old runs or ask for a larger quota, and start a new run.',
    ),
    EROFS: account(
      'The journal line was not written.',
      'The file system is read-only; the kernel may have made it so after a disk error.',
      'Choose another directory for the runs, and look at the kernel log.',
    ),
    EIO: account(
      'The journal line was not written.',
      'The disk answered with an error.',
      'Choose another disk for the runs, and look at the kernel log.',
    ),
    EACCES: account(
      'The journal cannot be opened for writing.',
      'The directory of the runs belongs to another user.',
      'Choose another directory, or change its owner.',
    ),
    ENOENT: account(
      'The journal cannot be opened.',
      'The directory of the runs does not exist.',
      'Make the directory, or choose another one.',
    ),
    EEXIST: account(
      'The journal was not begun.',
      'A run with this name exists, and a journal is never overwritten.',
      'Start the run again; it gets a new name.',
    ),
    EISDIR: account(
      'The journal cannot be opened.',
      'Its path names a directory.',
      'Name a file inside the directory.',
    ),
    EMFILE: account(
      'The journal cannot be opened.',
      'This process has too many files open.',
      'Raise "ulimit -n", or close devices that are not needed.',
    ),
  },
} satisfies Partial<Record<Operation, Accounts>>;
