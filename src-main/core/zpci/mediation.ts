import type { BenchError, Result } from '../result.ts';
import type { ZpciBaseCapability } from '../vfio/zpciCapabilities.ts';

/** What an older kernel means for whoever wants to drive the recovery; observed on 6.12 and 7.2. */
export const kernelRecoversItself =
  'The kernel has no VFIO_DEVICE_FEATURE_ZPCI_ERROR (ENOTTY), which came with Linux 7.3: it recovers the function by itself and keeps no error record.';

/** Whether the kernel leaves the recovery of an open zPCI function to user space, and if not, why not. */
export type Mediation =
  | { readonly kind: 'mediated'; readonly recordLength: number }
  | { readonly kind: 'kernelRecovers'; readonly because: string };

const otherRefusal = ({ message }: BenchError): string =>
  `The kernel did not say whether it has VFIO_DEVICE_FEATURE_ZPCI_ERROR: ${message}`;

/**
 * `feature`: the answer to a probe of feature 13 for GET. The length of a record is in ZPCI_BASE from version 3 on, which
 * came with the feature; without it no buffer is large enough for sure, and nothing is read.
 */
export const mediationOf = (
  base: Pick<ZpciBaseCapability, 'version' | 'errorRecordLength'>,
  feature: Result<void>,
): Mediation => {
  if (feature.ok) {
    return base.errorRecordLength === undefined
      ? {
          kind: 'kernelRecovers',
          because: `The kernel has VFIO_DEVICE_FEATURE_ZPCI_ERROR, but its VFIO_DEVICE_INFO_CAP_ZPCI_BASE is version ${base.version} and does not say how long a record is (version 3 does).`,
        }
      : { kind: 'mediated', recordLength: base.errorRecordLength };
  }
  const { error } = feature;
  return {
    kind: 'kernelRecovers',
    because: error.errno?.name === 'ENOTTY' ? kernelRecoversItself : otherRefusal(error),
  };
};
