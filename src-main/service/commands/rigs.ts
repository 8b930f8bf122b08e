import type { RigOffers, VirtualOffer } from '../../../preload/contract/views.ts';
import { explain } from '../../core/explain/explain.ts';
import { done, failure, success, type Result } from '../../core/result.ts';
import { probeLinuxRig } from '../../rigs/opening/linuxProbe.ts';
import { checkPrograms } from '../../rigs/virtual/guest.ts';
import { defaultKernels, type GuestArchitecture } from '../../rigs/virtual/guestArchitecture.ts';
import { guestTopology, topologyNames } from '../../rigs/virtual/guestTopology.ts';
import { findImage } from '../../rigs/virtual/image/imageStore.ts';
import { readRecipe } from '../../rigs/virtual/image/recipe.ts';
import type { Bench } from '../bench.ts';
import type { Caller } from '../caller.ts';
import type { Purpose } from '../confirmations.ts';
import type { HeldRig } from '../heldRig.ts';
import type { HandlersOf } from './handler.ts';
import { checkWish, type CheckedWish } from './wishes.ts';

/** What is confirmed is this very line. */
const purposeOf = (caller: Caller, commandLine: string): Purpose => ({
  seat: caller.seat,
  action: 'runCommand',
  rig: '',
  device: commandLine,
  recovery: 'none',
});

/** Why the rig cannot be ended now: the kernel would take that for an ack. A machine that is not heard is let go. */
const checkEnd = (held: HeldRig): Result<void> => {
  const waiting = held.link === 'up' ? held.kernelWaits() : [];
  return waiting.length === 0
    ? done
    : failure(
        'waitOpen',
        `The kernel waits for an ack of ${waiting.join(', ')} and would take the end of the run for one; acknowledge or withdraw first.`,
      );
};

const endRig = async (bench: Bench, held: HeldRig): Promise<Result<void>> => {
  const free = checkEnd(held);
  if (!free.ok) return free;
  await bench.remove(held, held.play?.outcome() ?? (held.link === 'up' ? 'closed' : 'lost'));
  return done;
};

const addChecked = async (bench: Bench, { wish, title }: CheckedWish): Promise<Result<string>> =>
  wish.kind === 'simulated' ? bench.add({ wish, scenario: null }) : success(bench.begin(wish, title));

const virtualOffer = async (
  { options: { places } }: Bench,
  machine: GuestArchitecture,
): Promise<VirtualOffer> => {
  const programs = checkPrograms(machine);
  const parts = places.parts[machine];
  const { suites } = await readRecipe(parts.recipe);
  const usual = defaultKernels[machine];
  return {
    refusal: programs.ok ? null : programs.error.message,
    topologies: topologyNames[machine].map((name) => ({ name, title: guestTopology(name).title })),
    kernels: await Promise.all(
      [usual, ...Object.keys(suites).filter((name) => name !== usual)].map(async (name) => ({
        name,
        toBuild: !(await findImage(places.cache, name, parts)).ok,
      })),
    ),
  };
};

const virtualOffers = async (bench: Bench): Promise<RigOffers['virtual']> => {
  const [x86, s390x] = await Promise.all([virtualOffer(bench, 'x86'), virtualOffer(bench, 's390x')]);
  return { x86, s390x };
};

const notOpening = (rig: string): Result<never> =>
  failure('unknownRig', `No rig ${JSON.stringify(rig)} is being opened in this console.`);

export const rigCommands: HandlersOf<
  | 'snapshot'
  | 'lines'
  | 'rigOffers'
  | 'confirmRig'
  | 'addRig'
  | 'answerOpening'
  | 'cancelOpening'
  | 'restartRig'
  | 'removeRig'
  | 'watchKernel'
  | 'explain'
> = {
  snapshot: async (_input, { bench, caller }) => success(bench.snapshot(caller)),

  lines: async ({ rig, before, count }, { bench }) => {
    const held = bench.rig(rig);
    return held.ok ? held.value.earlierLines(before, count) : held;
  },

  rigOffers: async (_input, { bench }) => {
    const probed = await probeLinuxRig();
    return success({
      virtual: await virtualOffers(bench),
      local: { refusal: probed.ok ? null : probed.error.message },
    });
  },

  confirmRig: async ({ commandLine }, { bench, caller }) =>
    success({
      token: bench.confirmations.issue(purposeOf(caller, commandLine)),
      consequence:
        'A shell on the machine of this bench runs this line, with the rights of the bench, now and again whenever the link is lost. Whatever it starts can do what the user of the bench can.',
    }),

  addRig: async (asked, { bench, caller }) => {
    if (asked.kind === 'remote') {
      const confirmed = bench.confirmations.spend(asked.token, purposeOf(caller, asked.commandLine));
      if (!confirmed.ok) return confirmed;
    }
    const checked = await checkWish(bench, asked);
    return checked.ok ? addChecked(bench, checked.value) : checked;
  },

  answerOpening: async ({ rig, question, agreed }, { bench }) =>
    bench.openings.answer(rig, question, agreed) ?? notOpening(rig),

  cancelOpening: async ({ rig }, { bench }) => bench.openings.cancel(rig) ?? notOpening(rig),

  restartRig: async ({ rig }, { bench }) => {
    const failed = bench.openings.again(rig);
    if (failed !== undefined) return failed.ok ? addChecked(bench, failed.value) : failed;
    const held = bench.rig(rig);
    if (!held.ok) return held;
    const wish = bench.wishOf(held.value);
    if (wish === undefined || held.value.play !== null) {
      return failure(
        'notSupported',
        'The rig of a scenario goes with it; stop the scenario and start it anew.',
      );
    }
    const { title } = held.value.view().rig;
    const ended = await endRig(bench, held.value);
    return ended.ok ? addChecked(bench, { wish, title }) : ended;
  },

  watchKernel: async ({ watched }, { bench }) => bench.watchKernel(watched),

  removeRig: async ({ rig }, { bench }) => {
    const held = bench.rig(rig);
    return held.ok ? endRig(bench, held.value) : held;
  },

  explain: async ({ text }) => explain(text),
};
