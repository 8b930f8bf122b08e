import { defineStore } from 'pinia';
import { ref } from 'vue';
import type { BenchError } from '../../src-main/core/result.ts';

export interface Notice {
  readonly id: number;
  /** What was being done, such as `Arm 0000:01:00.0`; empty when the error says it all. */
  readonly about: string;
  readonly error: BenchError;
  /** How often the same was said in a row. */
  readonly times: number;
}

const kept = 20;

/** What went wrong and has not been read yet, newest last. */
export const useNotices = defineStore('notices', () => {
  const notices = ref<readonly Notice[]>([]);
  let nextId = 1;

  const add = (error: BenchError, about = ''): void => {
    const same = notices.value.find(
      (notice) =>
        notice.about === about && notice.error.code === error.code && notice.error.message === error.message,
    );
    notices.value = same
      ? notices.value.map((notice) => (notice === same ? { ...notice, times: notice.times + 1 } : notice))
      : [...notices.value, { id: nextId++, about, error, times: 1 }].slice(-kept);
  };

  const dismiss = (id: number): void => {
    notices.value = notices.value.filter((notice) => notice.id !== id);
  };

  const dismissAll = (): void => {
    notices.value = [];
  };

  return { notices, add, dismiss, dismissAll };
});
