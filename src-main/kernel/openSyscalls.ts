import { createRequire } from 'node:module';
import { failure, success, type Result } from '../core/result.ts';
import { addOnLibrary, type AddOn } from './addOn/addOnLibrary.ts';
import { findAddOn } from './addOn/addOnFile.ts';
import { createSyscalls } from './createSyscalls.ts';
import { koffiProvider, koffiSyscalls } from './koffiSyscalls.ts';
import type { Syscalls, SyscallsProvider } from './syscalls.ts';

/** The port for this thread, and what gives other threads theirs. */
export interface OpenedSyscalls {
  readonly calls: Syscalls;
  readonly provider: SyscallsProvider;
}

export type SyscallsKind = 'koffi' | 'addOn';

/** koffi has no build for s390x, and knows nothing of how functions are called there. */
const usualKind = (): SyscallsKind => (process.arch === 's390x' ? 'addOn' : 'koffi');

const require = createRequire(import.meta.url);

const open = (kind: SyscallsKind, addOnPath: string | null): Result<OpenedSyscalls> => {
  if (kind === 'koffi') return success({ calls: koffiSyscalls(), provider: koffiProvider() });
  const found = addOnPath === null ? findAddOn() : findAddOn(process.arch, [addOnPath]);
  if (!found.ok) return found;
  const calls = createSyscalls(addOnLibrary(require(found.value) as AddOn));
  return success({ calls, provider: { addOn: found.value, library: addOnLibrary } });
};

/** The port as this machine has it; `kind` and `addOnPath` are others in tests. */
export const openSyscalls = (
  kind: SyscallsKind = usualKind(),
  addOnPath: string | null = null,
): Result<OpenedSyscalls> => {
  try {
    return open(kind, addOnPath);
  } catch (thrown) {
    const what = kind === 'koffi' ? 'The add-on koffi' : "The bench's add-on";
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    return failure('notSupported', `${what}, which calls the kernel, does not load here: ${why}`);
  }
};
