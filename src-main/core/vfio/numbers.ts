/**
 * The numbers of include/uapi/linux/vfio.h under their own names. `test/core/vfio/uapi.test.ts` compares every one of
 * them with the installed header.
 */

/**
 * `_IO(';', 100 + n)` (vfio.h, VFIO_TYPE and VFIO_BASE). `_IO` carries neither a size nor a direction, and "no
 * direction" is 0 on x86 and on s390x, so both call the kernel with the same numbers.
 */
const vfioRequest = (n: number): number => (0x3b << 8) | (100 + n);

export const vfioRequests = {
  // on the container
  VFIO_GET_API_VERSION: vfioRequest(0),
  VFIO_CHECK_EXTENSION: vfioRequest(1),
  VFIO_SET_IOMMU: vfioRequest(2),
  VFIO_IOMMU_GET_INFO: vfioRequest(12),
  VFIO_IOMMU_MAP_DMA: vfioRequest(13),
  VFIO_IOMMU_UNMAP_DMA: vfioRequest(14),
  VFIO_EEH_PE_OP: vfioRequest(21),
  // on the group
  VFIO_GROUP_GET_STATUS: vfioRequest(3),
  VFIO_GROUP_SET_CONTAINER: vfioRequest(4),
  VFIO_GROUP_UNSET_CONTAINER: vfioRequest(5),
  VFIO_GROUP_GET_DEVICE_FD: vfioRequest(6),
  // on the device; 12 and 13 mean other things there than on the container
  VFIO_DEVICE_GET_INFO: vfioRequest(7),
  VFIO_DEVICE_GET_REGION_INFO: vfioRequest(8),
  VFIO_DEVICE_GET_IRQ_INFO: vfioRequest(9),
  VFIO_DEVICE_SET_IRQS: vfioRequest(10),
  VFIO_DEVICE_RESET: vfioRequest(11),
  VFIO_DEVICE_GET_PCI_HOT_RESET_INFO: vfioRequest(12),
  VFIO_DEVICE_PCI_HOT_RESET: vfioRequest(13),
  VFIO_DEVICE_FEATURE: vfioRequest(17),
  VFIO_DEVICE_BIND_IOMMUFD: vfioRequest(18),
  VFIO_DEVICE_ATTACH_IOMMUFD_PT: vfioRequest(19),
  VFIO_DEVICE_DETACH_IOMMUFD_PT: vfioRequest(20),
} as const;

/**
 * The number to give ioctl() on an architecture. On powerpc, the only one where VFIO_EEH_PE_OP exists, "no direction"
 * is 1 and lies in bits 31-29 (arch/powerpc/include/uapi/asm/ioctl.h).
 */
export const requestOn = (architecture: 'x86' | 's390x' | 'powerpc', request: number): number =>
  architecture === 'powerpc' ? (request | 0x2000_0000) >>> 0 : request;

/** VFIO_GET_API_VERSION must answer this. */
export const apiVersions = { VFIO_API_VERSION: 0 } as const;

/** Arguments of VFIO_CHECK_EXTENSION; those that name an IOMMU are also arguments of VFIO_SET_IOMMU. */
export const extensions = {
  VFIO_TYPE1_IOMMU: 1,
  VFIO_SPAPR_TCE_IOMMU: 2,
  VFIO_TYPE1v2_IOMMU: 3,
  VFIO_DMA_CC_IOMMU: 4,
  VFIO_EEH: 5,
  VFIO_SPAPR_TCE_v2_IOMMU: 7,
  VFIO_NOIOMMU_IOMMU: 8,
  VFIO_UNMAP_ALL: 9,
} as const;

export const pciRegionIndexes = {
  VFIO_PCI_BAR0_REGION_INDEX: 0,
  VFIO_PCI_BAR1_REGION_INDEX: 1,
  VFIO_PCI_BAR2_REGION_INDEX: 2,
  VFIO_PCI_BAR3_REGION_INDEX: 3,
  VFIO_PCI_BAR4_REGION_INDEX: 4,
  VFIO_PCI_BAR5_REGION_INDEX: 5,
  VFIO_PCI_ROM_REGION_INDEX: 6,
  VFIO_PCI_CONFIG_REGION_INDEX: 7,
  VFIO_PCI_VGA_REGION_INDEX: 8,
} as const;

/** Region indexes from here on are device specific. Fixed in the ABI, unlike the number of interrupt indexes. */
export const pciRegionCounts = { VFIO_PCI_NUM_REGIONS: 9 } as const;

/**
 * Interrupt indexes of a PCI device. ERR_NOTIFY is in no released kernel: Keith Busch, "vfio/pci: add error recovery
 * handshake with userspace", 2026-06-09. GET_INFO's num_irqs, not this table, says what a kernel has.
 */
export const pciIrqIndexes = {
  VFIO_PCI_INTX_IRQ_INDEX: 0,
  VFIO_PCI_MSI_IRQ_INDEX: 1,
  VFIO_PCI_MSIX_IRQ_INDEX: 2,
  VFIO_PCI_ERR_IRQ_INDEX: 3,
  VFIO_PCI_REQ_IRQ_INDEX: 4,
  VFIO_PCI_ERR_NOTIFY_IRQ_INDEX: 5,
} as const;

const regionNames = ['BAR0', 'BAR1', 'BAR2', 'BAR3', 'BAR4', 'BAR5', 'ROM', 'config space', 'VGA'];
const irqNames = ['INTx', 'MSI', 'MSI-X', 'ERR', 'REQ', 'ERR_NOTIFY'];

/** `BAR0`, `config space`; `region 9` for a device-specific one. */
export const pciRegionName = (index: number): string => regionNames[index] ?? `region ${index}`;

/** `MSI-X`, `ERR`; `interrupt index 6` for one that no kernel we know of has. */
export const pciIrqName = (index: number): string => irqNames[index] ?? `interrupt index ${index}`;
