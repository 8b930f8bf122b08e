/**
 * What can be asked of the kernel, and what the asking is called on the screen. `aerInject` is the write to
 * /dev/aer_inject, `journal` a write to the run log.
 */
export const operationTitles = {
  open: 'opening the device through VFIO',
  getInfo: 'VFIO_DEVICE_GET_INFO',
  getIrqInfo: 'VFIO_DEVICE_GET_IRQ_INFO',
  arm: 'registering the eventfd (VFIO_DEVICE_SET_IRQS)',
  disarm: 'removing the eventfd (VFIO_DEVICE_SET_IRQS)',
  acknowledge: 'the ack (VFIO_DEVICE_SET_IRQS, index 5)',
  reset: 'VFIO_DEVICE_RESET',
  hotReset: 'VFIO_DEVICE_PCI_HOT_RESET',
  getHotResetInfo: 'VFIO_DEVICE_GET_PCI_HOT_RESET_INFO',
  feature: 'VFIO_DEVICE_FEATURE',
  readConfig: 'reading the config space',
  writeConfig: 'writing the config space',
  mapDma: 'VFIO_IOMMU_MAP_DMA',
  unmapDma: 'VFIO_IOMMU_UNMAP_DMA',
  readBar: 'reading a BAR',
  setContainer: 'VFIO_GROUP_SET_CONTAINER',
  bind: 'binding the driver',
  unbind: 'unbinding the driver',
  sysfsReset: 'the reset file in sysfs',
  aerInject: '/dev/aer_inject',
  eeh: 'VFIO_EEH_PE_OP',
  journal: 'writing the journal',
} as const;

export type Operation = keyof typeof operationTitles;

export const operations = Object.keys(operationTitles) as readonly Operation[];
