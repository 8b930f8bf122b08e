import { missingCase } from '../../core/exhaustive.ts';
import { success, type Result } from '../../core/result.ts';
import type { SshTarget } from '../../core/ssh/sshTarget.ts';
import { watchKernel } from '../kernelTracer.ts';
import { openLinuxRig } from '../linux/openLinuxRig.ts';
import { openRemoteCommand } from '../remote/remoteCommand.ts';
import type { Rig } from '../rig.ts';
import { openSimulatedRig, type SimulatedRigWishes } from '../simulated/openSimulatedRig.ts';
import { openSsh } from './openSsh.ts';
import { openVirtual, type OpeningNeeds, type VirtualWish } from './openVirtual.ts';

/** A rig that somebody wants. */
export type RigWish =
  | ({ readonly kind: 'simulated' } & SimulatedRigWishes)
  | ({ readonly kind: 'virtual' } & VirtualWish)
  /** The machine that the bench runs on. */
  | { readonly kind: 'local' }
  /** The command starts an agent whose standard input and output are the wire. */
  | { readonly kind: 'remote'; readonly commandLine: string }
  /** A machine to which the agent of this bench is brought. */
  | { readonly kind: 'ssh'; readonly target: SshTarget };

export interface OpenedRig {
  readonly rig: Rig;
  /** Settles with why, when the machine itself is gone and does not come back; null where that cannot be. */
  readonly gone: Promise<string> | null;
}

const forGood = (opened: Result<Rig>): Result<OpenedRig> =>
  opened.ok ? success({ rig: opened.value, gone: null }) : opened;

const openAny = async (wish: RigWish, needs: OpeningNeeds): Promise<Result<OpenedRig>> => {
  switch (wish.kind) {
    case 'simulated':
      return forGood(success(openSimulatedRig(wish)));
    case 'virtual': {
      const opened = await openVirtual(wish, needs);
      if (!opened.ok) return opened;
      const gone = opened.value.guest.ended.then(({ reason }) => `the guest is gone: ${reason}`);
      return success({ rig: opened.value, gone });
    }
    case 'local':
      return forGood(await openLinuxRig());
    case 'remote':
      return forGood(
        await openRemoteCommand({
          commandLine: wish.commandLine,
          bench: needs.places.bench,
          log: needs.onProgress,
          ...(needs.signal === undefined ? {} : { signal: needs.signal }),
        }),
      );
    case 'ssh':
      return forGood(await openSsh(wish.target, needs));
    default:
      return missingCase(wish);
  }
};

/** Opens any kind of rig. When that fails, or is given up, nothing of it is left. */
export const openRig = async (wish: RigWish, needs: OpeningNeeds): Promise<Result<OpenedRig>> => {
  const opened = await openAny(wish, needs);
  if (!opened.ok || needs.kernelTrace !== 'unwatched') return opened;
  const { rig } = opened.value;
  // Before any device is opened, which is when watching would begin.
  const off = await watchKernel(rig, false);
  if (off.ok) return opened;
  await rig.close();
  return off;
};
