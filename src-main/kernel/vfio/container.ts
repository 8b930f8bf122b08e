import { done, failure, success, type Result } from '../../core/result.ts';
import {
  decodeIommuInfo,
  encodeDmaMap,
  encodeDmaUnmap,
  encodeIommuInfoRequest,
  type IovaRange,
} from '../../core/vfio/container.ts';
import { encodeSetContainer } from '../../core/vfio/group.ts';
import { apiVersions, extensions, vfioRequests } from '../../core/vfio/numbers.ts';
import { hostOrder } from '../kernel.ts';
import { refused } from '../refusal.ts';
import { openFlags, type Syscalls } from '../syscalls.ts';
import { iovaAllocator, mapSentence, type AddressSpace } from './addressSpace.ts';
import { askKernel, openVfioFile } from './vfioCall.ts';

/** Before Linux 5.4 the kernel does not say which I/O addresses it allows. */
const unknownRanges: readonly IovaRange[] = [{ start: 0n, end: 0xfedf_ffffn }];

/**
 * Puts a group into a container of its own with the type 1 IOMMU, and gives its address space. The container has to
 * stay open for as long as the group; nothing is left open when this fails.
 */
export const openContainer = (
  calls: Syscalls,
  dev: string,
  groupFd: number,
  group: number,
): Result<{ readonly fd: number; readonly space: AddressSpace }> => {
  const path = `${dev}/vfio/vfio`;
  const opened = openVfioFile(
    calls,
    path,
    openFlags.O_RDWR | openFlags.O_CLOEXEC,
    `The kernel has no ${path}: load the module vfio-pci.`,
  );
  if (!opened.ok) return opened;
  const fd = opened.value;
  const space = attach(calls, fd, groupFd, group);
  if (!space.ok) {
    calls.close(fd);
    return space;
  }
  return success({ fd, space: space.value });
};

const attach = (calls: Syscalls, fd: number, groupFd: number, group: number): Result<AddressSpace> => {
  const version = calls.ioctl(fd, vfioRequests.VFIO_GET_API_VERSION, 0);
  if (!version.ok) return refused(version.errno, 'The VFIO container did not tell its version.');
  if (version.value !== apiVersions.VFIO_API_VERSION) {
    return failure('notSupported', `This kernel has version ${version.value} of VFIO; the bench knows 0.`);
  }
  const set = askKernel(
    calls,
    groupFd,
    vfioRequests.VFIO_GROUP_SET_CONTAINER,
    encodeSetContainer(hostOrder, fd),
    `IOMMU group ${group} could not be put into a container: every device of the group has to be bound to VFIO or to no driver.`,
  );
  if (!set.ok) return set;
  const type = [extensions.VFIO_TYPE1v2_IOMMU, extensions.VFIO_TYPE1_IOMMU].find((extension) => {
    const supported = calls.ioctl(fd, vfioRequests.VFIO_CHECK_EXTENSION, extension);
    return supported.ok && supported.value > 0;
  });
  if (type === undefined) {
    return failure('notSupported', 'This kernel has no type 1 IOMMU: load the module vfio_iommu_type1.');
  }
  const chosen = calls.ioctl(fd, vfioRequests.VFIO_SET_IOMMU, type);
  if (!chosen.ok) {
    return refused(
      chosen.errno,
      `The IOMMU of group ${group} could not be set up; without interrupt remapping the kernel refuses (allow_unsafe_interrupts).`,
    );
  }
  return success(spaceOf(calls, fd));
};

const rangesOf = (calls: Syscalls, fd: number): readonly IovaRange[] => {
  const bytes = encodeIommuInfoRequest(hostOrder);
  if (!calls.ioctl(fd, vfioRequests.VFIO_IOMMU_GET_INFO, bytes).ok) return unknownRanges;
  const info = decodeIommuInfo(hostOrder, bytes);
  const found = info.ok
    ? info.value.capabilities.find((capability) => capability.kind === 'iovaRanges')
    : undefined;
  return found?.ranges ?? unknownRanges;
};

const spaceOf = (calls: Syscalls, fd: number): AddressSpace => ({
  reserve: iovaAllocator(rangesOf(calls, fd)),
  map: (mapping) => {
    const mapped = askKernel(
      calls,
      fd,
      vfioRequests.VFIO_IOMMU_MAP_DMA,
      encodeDmaMap(hostOrder, mapping),
      mapSentence(mapping),
    );
    return mapped.ok ? done : mapped;
  },
  unmap: (iova, size) => {
    const bytes = encodeDmaUnmap(hostOrder, iova, size);
    const sentence = `The DMA mapping at 0x${iova.toString(16)} could not be removed.`;
    const unmapped = askKernel(calls, fd, vfioRequests.VFIO_IOMMU_UNMAP_DMA, bytes, sentence);
    return unmapped.ok ? done : unmapped;
  },
});
