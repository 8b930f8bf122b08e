import { success } from '../result.ts';
import type { Result } from '../result.ts';
import { struct } from './struct.ts';
import type { ByteOrder } from './struct.ts';

/**
 * VFIO_EEH_PE_OP (vfio.h, struct vfio_eeh_pe_op), called on the container. `err` is only read for an injection, but
 * we always give the whole struct.
 */
export const eehOperationStruct = struct('vfio_eeh_pe_op', [
  ['argsz', 'u32'],
  ['flags', 'u32'],
  ['op', 'u32'],
  ['err.type', 'u32'],
  ['err.func', 'u32'],
  ['err.addr', 'u64'],
  ['err.mask', 'u64'],
]);

export const eehOperationNumbers = {
  VFIO_EEH_PE_DISABLE: 0,
  VFIO_EEH_PE_ENABLE: 1,
  VFIO_EEH_PE_UNFREEZE_IO: 2,
  VFIO_EEH_PE_UNFREEZE_DMA: 3,
  VFIO_EEH_PE_GET_STATE: 4,
  VFIO_EEH_PE_RESET_DEACTIVATE: 5,
  VFIO_EEH_PE_RESET_HOT: 6,
  VFIO_EEH_PE_RESET_FUNDAMENTAL: 7,
  VFIO_EEH_PE_CONFIGURE: 8,
  VFIO_EEH_PE_INJECT_ERR: 9,
} as const;

/** Return values of VFIO_EEH_PE_GET_STATE. */
export const eehStateNumbers = {
  VFIO_EEH_PE_STATE_NORMAL: 0,
  VFIO_EEH_PE_STATE_RESET: 1,
  VFIO_EEH_PE_STATE_STOPPED: 2,
  VFIO_EEH_PE_STATE_STOPPED_DMA: 4,
  VFIO_EEH_PE_STATE_UNAVAIL: 5,
} as const;

/** An operation on a partitionable endpoint (PE), in the words of the recovery. */
export type EehOperation =
  | { readonly kind: 'disable' }
  | { readonly kind: 'enable' }
  | { readonly kind: 'unfreezeIo' }
  | { readonly kind: 'unfreezeDma' }
  | { readonly kind: 'getState' }
  | { readonly kind: 'resetDeactivate' }
  | { readonly kind: 'resetHot' }
  | { readonly kind: 'resetFundamental' }
  | { readonly kind: 'configure' }
  | {
      readonly kind: 'injectError';
      /** Type and function of arch/powerpc/include/uapi/asm/eeh.h, address and mask of the access to fail. */
      readonly type: number;
      readonly function: number;
      readonly address: bigint;
      readonly mask: bigint;
    };

const numbers: Readonly<Record<EehOperation['kind'], number>> = {
  disable: eehOperationNumbers.VFIO_EEH_PE_DISABLE,
  enable: eehOperationNumbers.VFIO_EEH_PE_ENABLE,
  unfreezeIo: eehOperationNumbers.VFIO_EEH_PE_UNFREEZE_IO,
  unfreezeDma: eehOperationNumbers.VFIO_EEH_PE_UNFREEZE_DMA,
  getState: eehOperationNumbers.VFIO_EEH_PE_GET_STATE,
  resetDeactivate: eehOperationNumbers.VFIO_EEH_PE_RESET_DEACTIVATE,
  resetHot: eehOperationNumbers.VFIO_EEH_PE_RESET_HOT,
  resetFundamental: eehOperationNumbers.VFIO_EEH_PE_RESET_FUNDAMENTAL,
  configure: eehOperationNumbers.VFIO_EEH_PE_CONFIGURE,
  injectError: eehOperationNumbers.VFIO_EEH_PE_INJECT_ERR,
};

const kinds = new Map(
  Object.entries(numbers).map(([kind, number]) => [number, kind as EehOperation['kind']]),
);

export const encodeEehOperation = (order: ByteOrder, operation: EehOperation): Uint8Array => {
  const common = { argsz: eehOperationStruct.size, op: numbers[operation.kind] };
  if (operation.kind !== 'injectError') return eehOperationStruct.encode(order, common);
  return eehOperationStruct.encode(order, {
    ...common,
    'err.type': operation.type,
    'err.func': operation.function,
    'err.addr': operation.address,
    'err.mask': operation.mask,
  });
};

/** An operation number that we do not know is given as such. */
export type DecodedEehOperation = EehOperation | { readonly kind: 'unknown'; readonly number: number };

/**
 * Reads a request back. The kernel takes 12 bytes for all operations but an injection
 * (vfio_spapr_eeh.c, vfio_spapr_iommu_eeh_ioctl), and so do we.
 */
export const decodeEehOperation = (order: ByteOrder, bytes: Uint8Array): Result<DecodedEehOperation> => {
  const number = eehOperationStruct.read(order, bytes, 'op');
  const kind = number === undefined ? undefined : kinds.get(number);
  if (number !== undefined && kind === undefined) return success({ kind: 'unknown', number });
  if (kind !== undefined && kind !== 'injectError') return success({ kind });
  const decoded = eehOperationStruct.decode(order, bytes);
  if (!decoded.ok) return decoded;
  const { value } = decoded;
  return success({
    kind: 'injectError',
    type: value['err.type'],
    function: value['err.func'],
    address: value['err.addr'],
    mask: value['err.mask'],
  });
};

export type EehState =
  | { readonly kind: 'normal' | 'resetActive' | 'stopped' | 'stoppedDma' | 'unavailable' }
  | { readonly kind: 'unknown'; readonly number: number };

const states: Readonly<Record<number, EehState>> = {
  [eehStateNumbers.VFIO_EEH_PE_STATE_NORMAL]: { kind: 'normal' },
  [eehStateNumbers.VFIO_EEH_PE_STATE_RESET]: { kind: 'resetActive' },
  [eehStateNumbers.VFIO_EEH_PE_STATE_STOPPED]: { kind: 'stopped' },
  [eehStateNumbers.VFIO_EEH_PE_STATE_STOPPED_DMA]: { kind: 'stoppedDma' },
  [eehStateNumbers.VFIO_EEH_PE_STATE_UNAVAIL]: { kind: 'unavailable' },
};

/** `number` is what ioctl() returned for `getState`; it does not come back in the struct. */
export const eehStateOf = (number: number): EehState => states[number] ?? { kind: 'unknown', number };

const stateSentences = {
  normal: 'The PE works: I/O and DMA are enabled.',
  resetActive: 'The PE is held in reset; it must be released from it.',
  stopped: 'The PE is frozen: I/O and DMA are stopped, and reads give all ones.',
  stoppedDma: 'I/O works again, DMA is still stopped.',
  unavailable: 'The state is not available now: the host may be recovering the parent PE; ask again later.',
} as const;

export const describeEehState = (state: EehState): string =>
  state.kind === 'unknown'
    ? `The kernel gave the unknown PE state ${state.number}.`
    : stateSentences[state.kind];
