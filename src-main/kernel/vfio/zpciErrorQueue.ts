import { errnoNumbers } from '../../core/errno.ts';
import { success, type Result } from '../../core/result.ts';
import { encodeZpciErrorGet } from '../../core/vfio/feature.ts';
import { vfioRequests } from '../../core/vfio/numbers.ts';
import type { Mediation } from '../../core/zpci/mediation.ts';
import { hostOrder } from '../kernel.ts';
import { refused } from '../refusal.ts';
import type { Mapping, Syscalls } from '../syscalls.ts';
import type { VfioDeviceFile } from './deviceFile.ts';

/** Where the kernel puts a record, and the call with that address in it (include/uapi/linux/vfio.h). */
interface RecordPlace {
  readonly memory: Mapping;
  readonly request: Uint8Array;
}

/**
 * The error records that the kernel keeps for an open function (VFIO_DEVICE_FEATURE_ZPCI_ERROR): four, oldest first. They
 * are there whether an eventfd is registered or not, so the queue can also be polled.
 */
export class ZpciErrorQueue {
  readonly #calls: Syscalls;
  readonly #file: VfioDeviceFile;
  readonly #mediation: Mediation | null;
  #record: RecordPlace | null = null;

  constructor(calls: Syscalls, file: VfioDeviceFile, mediation: Mediation | null) {
    this.#calls = calls;
    this.#file = file;
    this.#mediation = mediation;
  }

  /** The oldest record, which is then gone from the queue; null when it is empty (ENOMSG). */
  take(): Result<Uint8Array | null> {
    const mediation = this.#mediation;
    if (mediation?.kind !== 'mediated') {
      const why = mediation?.because ?? 'It is no zPCI function.';
      return refused(errnoNumbers.ENOTTY, `${this.#file.address} has no error records. ${why}`);
    }
    const length = mediation.recordLength;
    const record = this.#place(length);
    if (!record.ok) return record;
    const { memory, request } = record.value;
    const answer = this.#calls.ioctl(this.#file.fd, vfioRequests.VFIO_DEVICE_FEATURE, request);
    if (answer.ok) return success(memory.copyOut(0, length));
    return answer.errno === errnoNumbers.ENOMSG
      ? success(null)
      : refused(answer.errno, `${this.#file.address} gave no error record.`);
  }

  close(): void {
    this.#record?.memory.unmap();
    this.#record = null;
  }

  #place(length: number): Result<RecordPlace> {
    if (this.#record !== null) return success(this.#record);
    const memory = this.#calls.mmap({ length, access: 'readWrite', from: 'anonymous' });
    if (!memory.ok) return refused(memory.errno, 'There was no memory for an error record.');
    this.#record = {
      memory: memory.value,
      request: encodeZpciErrorGet(hostOrder, memory.value.address),
    };
    return success(this.#record);
  }
}
