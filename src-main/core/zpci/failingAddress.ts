/** Where a failing address lies, seen from the range that the function may use for DMA. */
export interface FailingAddressPlace {
  readonly place: 'below' | 'inside' | 'above';
  readonly sentence: string;
}

const hex = (address: bigint): string => `0x${address.toString(16)}`;

/**
 * `startDma` and `endDma` are the first and last usable address, of the ZPCI_BASE capability. Measured on Linux 7.3
 * under QEMU: inside gives event code 0x4, below gives 0x2, and above end_dma nothing is reported at all.
 */
export const describeFailingAddress = (
  failingAddress: bigint,
  startDma: bigint,
  endDma: bigint,
): FailingAddressPlace => {
  const range = `${hex(startDma)} to ${hex(endDma)}`;
  if (failingAddress < startDma) {
    return {
      place: 'below',
      sentence: `${hex(failingAddress)} is below the DMA range ${range}: the device was given an address that can never be mapped.`,
    };
  }
  if (failingAddress > endDma) {
    return {
      place: 'above',
      sentence: `${hex(failingAddress)} is above the DMA range ${range}: the device was given an address that can never be mapped.`,
    };
  }
  return {
    place: 'inside',
    sentence: `${hex(failingAddress)} is inside the DMA range ${range}: it was not mapped, or not any more, when the device used it.`,
  };
};
