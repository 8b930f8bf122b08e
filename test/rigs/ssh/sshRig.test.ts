import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Coordinator } from '../../../src-main/coordinator/coordinator.ts';
import { Recorder } from '../../../src-main/coordinator/recorder.ts';
import type { Result } from '../../../src-main/core/result.ts';
import { isConcluded, type RecoveryState } from '../../../src-main/core/recovery/state.ts';
import { parseSshTarget } from '../../../src-main/core/ssh/sshTarget.ts';
import { openRig } from '../../../src-main/rigs/opening/openRig.ts';
import type { RigPlaces } from '../../../src-main/rigs/opening/rigPlaces.ts';
import { wireVersion } from '../../../src-main/rigs/remote/protocol.ts';
import { RemoteRig } from '../../../src-main/rigs/remote/remoteRig.ts';
import { openSshRig } from '../../../src-main/rigs/ssh/openSshRig.ts';
import type { RigEvent } from '../../../src-main/rigs/rig.ts';
import { decision, fatal, policyOf, rng, valueOf } from '../../coordinator/lab.ts';
import { noPlaces, openService, TestViewer } from '../../service/desk.ts';
import { withAgentBundle } from '../remote/agentBundle.ts';
import { FarMachine, missingForSsh, processesWith } from './farMachine.ts';

/** For a test that logs in several times, on a machine that does much else; in milliseconds. */
const patient = 120_000;

const missing = missingForSsh();
const { path: agentFile } = withAgentBundle();
const repository = join(import.meta.dirname, '../../..');

describe.skipIf(missing !== null && process.env['CI'] !== 'true')(
  `a rig over ssh${missing === null ? '' : ` (${missing})`}`,
  () => {
    let far: FarMachine;
    /** An installed bench: its agent is bundled, and its parts are those of the checkout. */
    let root: string;
    const opened: RemoteRig[] = [];

    beforeAll(async () => {
      if (missing !== null) throw new Error(missing);
      far = new FarMachine();
      root = mkdtempSync(join(tmpdir(), 'ssh-bench-'));
      symlinkSync(join(repository, 'node_modules'), join(root, 'node_modules'));
      mkdirSync(join(root, 'resources'));
      symlinkSync(join(repository, 'resources/native'), join(root, 'resources/native'));
      mkdirSync(join(root, 'out/native'), { recursive: true });
      await far.start();
    });
    beforeEach(() => far.reset());
    afterEach(async () => {
      for (const rig of opened.splice(0)) await rig.close();
    });
    afterAll(async () => {
      await far.stop();
      rmSync(root, { recursive: true, force: true });
    });

    const places = (agent = agentFile): RigPlaces => {
      const usual = noPlaces();
      const { x86, s390x } = usual.parts;
      return {
        ...usual,
        root,
        parts: { x86: { ...x86, agent }, s390x: { ...s390x, agent } },
        sshConfig: far.config,
      };
    };

    interface Attempt {
      readonly host?: string;
      /** What the person answers; null: nobody is there. */
      readonly agreed?: boolean | null;
      readonly agent?: string;
      readonly signal?: AbortSignal;
    }

    /** Opens the rig, with what was said and asked on the way. */
    const attempt = async ({ host = 'lab', agreed = true, agent, signal }: Attempt = {}) => {
      const questions: string[] = [];
      const steps: string[] = [];
      const result = await openRig(
        { kind: 'ssh', target: valueOf(parseSshTarget(host)) },
        {
          places: places(agent),
          image: 'asItIs',
          onProgress: (text) => steps.push(text),
          signal,
          ...(agreed === null
            ? {}
            : {
                agree: (question: string) => {
                  questions.push(question);
                  return Promise.resolve(agreed);
                },
              }),
        },
      );
      if (result.ok && result.value.rig instanceof RemoteRig) opened.push(result.value.rig);
      return { result, questions, steps };
    };

    const remote = async (wish?: Attempt): Promise<RemoteRig> => {
      const { rig } = valueOf((await attempt(wish)).result);
      if (rig instanceof RemoteRig) return rig;
      throw new Error('not a remote rig');
    };

    const sentenceOf = (result: Result<unknown>): string => {
      if (result.ok) throw new Error('It was opened.');
      expect(result.error.message).toMatch(/\.$/);
      return `${result.error.code}: ${result.error.message}`;
    };

    /** No ssh here, no agent there. */
    const expectNothingRuns = async (): Promise<void> => {
      expect(processesWith('ssh', far.config)).toEqual([]);
      // It ends by itself, a moment after the link.
      await vi.waitFor(() => expect(processesWith('agent.mjs', far.agents)).toEqual([]), 20_000);
    };

    const eventOf = (rig: RemoteRig, kind: RigEvent['kind']): Promise<RigEvent> =>
      new Promise((resolve) => {
        const stop = rig.onEvent((event) => {
          if (event.kind !== kind) return;
          stop();
          resolve(event);
        });
      });

    describe('the first time', () => {
      it(
        'asks, copies, checks, and lists the devices; the second time it does none of that',
        async () => {
          const first = await attempt();
          const { rig } = valueOf(first.result);
          expect(first.questions).toHaveLength(1);
          expect(first.questions[0]).toMatch(
            /^lab is Linux on x86_64 with Node v\d+\..* It has no agent yet\. Copy .*\/recovery-bench\/agents\/0\.0\.0-[0-9a-f]{12}-x86_64\?/,
          );
          expect(rig.info).toMatchObject({ kind: 'remote', name: 'ssh:lab', architecture: 'x86_64' });
          expect((await rig.devices()).ok).toBe(true);
          if (!existsSync('/dev/vfio'))
            expect(first.steps.join('\n')).toMatch(/no \/dev\/vfio: .*modprobe vfio-pci/);
          const folder = /agents\/(\S+)\?/.exec(first.questions[0] ?? '')?.[1] ?? '';
          const copy = join(far.agents, folder, 'agent.mjs');
          expect(readFileSync(copy).equals(readFileSync(agentFile))).toBe(true);
          expect(statSync(join(far.agents, folder)).mode & 0o777).toBe(0o700);
          await rig.close();
          await expectNothingRuns();
          const copied = far.files();
          expect(copied.every((path) => path.startsWith(`${folder}/`))).toBe(true);
          const written = statSync(copy).mtimeMs;

          const second = await attempt();
          expect(second.questions).toEqual([]);
          await valueOf(second.result).rig.close();
          await expectNothingRuns();
          expect(far.files()).toEqual(copied);
          expect(statSync(copy).mtimeMs).toBe(written);
        },
        patient,
      );

      it.each([
        [false, /^agentNotCopied: Nothing was copied to lab: it was not agreed to\.$/],
        [null, /^agentNotCopied: Nothing was copied to lab: .*nobody to ask; .*--copy-agent/],
      ])('writes nothing when the answer is %j', async (agreed, words) => {
        const { result } = await attempt({ agreed });
        expect(sentenceOf(result)).toMatch(words);
        expect(far.files()).toEqual([]);
        await expectNothingRuns();
      });

      it('says that the agent of another version is there, and leaves that one as it is', async () => {
        mkdirSync(join(far.agents, '0.0.0-0123456789ab-x86_64'), { recursive: true });
        writeFileSync(join(far.agents, '0.0.0-0123456789ab-x86_64/agent.mjs'), 'older');
        const { result, questions } = await attempt({ agreed: false });
        expect(questions[0]).toMatch(/an agent of another version \(0\.0\.0-0123456789ab-x86_64\)/);
        expect(result.ok).toBe(false);
        expect(far.files()).toEqual(['0.0.0-0123456789ab-x86_64/agent.mjs']);
      });
    });

    describe('a copy that is damaged', () => {
      it('is noticed before it is run, and made good', async () => {
        await (await remote()).close();
        const [agent] = far.files().filter((path) => path.endsWith('agent.mjs'));
        appendFileSync(join(far.agents, agent ?? ''), ' ');
        const { result, questions } = await attempt();
        expect(questions[0]).toMatch(/Its agent is damaged: agent\.mjs is not as this bench has it\./);
        valueOf(result);
        expect(readFileSync(join(far.agents, agent ?? '')).equals(readFileSync(agentFile))).toBe(true);
      });

      it('on its way is noticed there, and nothing of it is left', async () => {
        // Only the copy reads a standard input.
        far.replace(
          'node',
          'case "$1.$3" in -e.*/agents) exec /usr/bin/tr A B | "$NODE" "$@" ;; esac\nexec "$NODE" "$@"',
        );
        const { result } = await attempt();
        expect(sentenceOf(result)).toMatch(
          /^agentNotCopied: The agent was not copied to lab \(.*\); make room/,
        );
        expect(far.files()).toEqual([]);
        await expectNothingRuns();
      });
    });

    describe('a machine that does not fit', () => {
      it.each<[string, () => void, RegExp]>([
        [
          'without Node',
          () => far.remove('node'),
          /^machineUnfit: lab has no node: install Node 18 or newer there/,
        ],
        [
          'with an old Node',
          () => far.replace('node', 'echo v16.20.2'),
          /^machineUnfit: lab has Node v16\.20\.2: install Node 18 or newer/,
        ],
        [
          'of another architecture',
          () => far.replace('uname', 'case "$1" in -m) echo riscv64 ;; *) echo Linux ;; esac'),
          /^machineUnfit: lab is of the architecture riscv64; the agent runs on x86_64 and s390x\.$/,
        ],
        [
          'of another system',
          () => far.replace('uname', 'case "$1" in -m) echo x86_64 ;; *) echo FreeBSD ;; esac'),
          /^machineUnfit: lab runs FreeBSD; the agent needs Linux\.$/,
        ],
        [
          'whose shell does something else',
          () => far.replace('sh', 'echo This account is not available.'),
          /^machineUnfit: lab does not run what it is asked to/,
        ],
      ])('%s is said to be so', async (_, prepare, words) => {
        prepare();
        const { result, questions } = await attempt();
        expect(sentenceOf(result)).toMatch(words);
        expect(questions).toEqual([]);
        expect(far.files()).toEqual([]);
        await expectNothingRuns();
      });

      it('of s390x gets no add-on that is for another processor', async () => {
        far.replace('uname', 'case "$1" in -m) echo s390x ;; *) echo Linux ;; esac');
        const addOn = join(root, 'out/native/syscalls-s390x.node');
        // An executable of this machine begins as a shared object of it does.
        copyFileSync('/bin/true', addOn);
        utimesSync(addOn, new Date(), new Date());
        const { result, questions } = await attempt();
        rmSync(addOn);
        expect(sentenceOf(result)).toMatch(
          /^machineUnfit: .*syscalls-s390x\.node is for another processor; run "make"/,
        );
        expect(questions).toEqual([]);
        expect(far.files()).toEqual([]);
        await expectNothingRuns();
      });

      it('of s390x gets the add-on, and no koffi', async () => {
        far.replace('uname', 'case "$1" in -m) echo s390x ;; *) echo Linux ;; esac');
        // The header of a shared object for s390x: big-endian, e_machine 22 (linux/elf-em.h).
        const header = Buffer.alloc(64);
        header.write('\u007fELF\u0002\u0002\u0001', 'latin1');
        header.writeUInt16BE(22, 18);
        const addOn = join(root, 'out/native/syscalls-s390x.node');
        writeFileSync(addOn, header);
        const { result } = await attempt();
        rmSync(addOn);
        // The processor is x86-64 all the same, so its Node looks for koffi.
        expect(sentenceOf(result)).toMatch(
          /^linkLost: .* It says: The add-on koffi, which calls the kernel, does not/,
        );
        expect(far.files().map((path) => path.replace(/^[^/]*-s390x\//, ''))).toEqual([
          'agent.mjs',
          'syscalls-s390x.node',
        ]);
        await expectNothingRuns();
      });

      it('whose agent does not start says what that said', async () => {
        far.replace('node', 'case "$2" in --attach) echo no memory >&2; exit 7 ;; esac\nexec "$NODE" "$@"');
        const { result } = await attempt();
        expect(sentenceOf(result)).toMatch(/^linkLost: No agent answers at lab: .* It says: no memory\.$/);
        await expectNothingRuns();
      });

      it('whose agent speaks another version of the wire is not used', async () => {
        const other = join(root, 'other.mjs');
        const bundle = readFileSync(agentFile, 'utf8');
        // The bundler has put the number into the places where it is used: what is said, and what is expected.
        const uses = new RegExp(`\\b(version: |version !== |wire )${wireVersion}\\b`, 'g');
        expect(new Set(bundle.match(uses)).size).toBe(3);
        writeFileSync(other, bundle.replace(uses, '$19999'));
        const { result } = await attempt({ agent: other });
        expect(sentenceOf(result)).toMatch(
          /^otherVersion: lab has an agent of another version \(.*wire 9999\)/,
        );
      });
    });

    it.each([
      ['refused', /^sshRefused: refused refuses connections: start its sshd/],
      ['stranger', /^sshRefused: stranger accepts no key of this user, and the bench asks for no passwords/],
      [
        'unknown',
        /^sshRefused: The host key of unknown is not known here yet: connect once in a terminal \(ssh unknown\)/,
      ],
      ['changed', /^sshRefused: The host key of changed is another one than before.*ssh-keygen -R 'changed'/],
      ['nowhere', /^sshRefused: nowhere is not known: neither the name service nor the ssh configuration/],
    ])('says in one sentence what is wrong with "%s"', async (host, words) => {
      const { result, questions } = await attempt({ host });
      expect(sentenceOf(result)).toMatch(words);
      expect(questions).toEqual([]);
      await expectNothingRuns();
    });

    it('that is given up while the far shell hangs leaves no process', async () => {
      far.replace('sh', 'exec /bin/sleep 6173');
      const abort = new AbortController();
      const waiting = attempt({ signal: abort.signal });
      while (processesWith('/bin/sleep', '6173').length === 0)
        await new Promise((resolve) => setTimeout(resolve, 20));
      abort.abort();
      expect(sentenceOf((await waiting).result)).toMatch(/^sshRefused: lab was given up/);
      await expectNothingRuns();
      for (const pid of processesWith('/bin/sleep', '6173')) process.kill(pid, 'SIGKILL');
    });

    it(
      'whose session is killed in a wait is reached again, and the wait goes on there',
      async () => {
        far.simulate(1);
        const rig = await remote();
        const coordinator = new Coordinator(rig, new Recorder(rig.clock, null));
        const until = async (holds: (state: RecoveryState) => boolean): Promise<RecoveryState> => {
          for (;;) {
            const state = coordinator.state(rng);
            if (state !== null && holds(state)) return state;
            await new Promise((resolve) => setImmediate(resolve));
          }
        };
        valueOf(await coordinator.arm(rng, 'notify', policyOf()));
        valueOf(await coordinator.inject(rng, fatal, 'simulated'));
        await until(({ phase }) => phase === 'awaitingAck');
        const lost = eventOf(rig, 'linkLost');
        const remarked = eventOf(rig, 'kernelLog');
        const restored = eventOf(rig, 'linkRestored');
        far.remove('node');
        far.killSessions();
        await lost;
        expect(await remarked).toMatchObject({
          text: expect.stringMatching(/^No agent answers at lab: .*It says: /),
        });
        expect(coordinator.linkLost?.code).toBe('linkLost');
        expect(coordinator.state(rng)?.phase).toBe('awaitingAck');
        far.simulate(1);
        expect(await restored).toMatchObject({ closed: [], dropped: 0 });
        expect(coordinator.linkLost).toBeNull();
        expect(coordinator.state(rng)?.phase).toBe('awaitingAck');
        valueOf(await coordinator.acknowledge(rng, decision));
        expect((await until(isConcluded)).phase).toBe('recovered');
        coordinator.dispose();
        await rig.close();
        await expectNothingRuns();
        expect(far.files().filter((path) => path.startsWith('run/'))).toEqual([]);
      },
      patient,
    );

    it(
      'that falls silent is given up, and reached again with its devices',
      async () => {
        far.simulate(1);
        const rig = valueOf(
          await openSshRig({
            access: { target: valueOf(parseSshTarget('lab')), config: far.config },
            sources: {
              bench: '0.0.0',
              agent: agentFile,
              packages: join(root, 'node_modules'),
              addOnSource: join(root, 'resources/native'),
              addOns: join(root, 'out/native'),
            },
            onProgress: () => undefined,
            agree: () => Promise.resolve(true),
            timing: { heartbeat: 250, silence: 3_000 },
          }),
        );
        opened.push(rig);
        const session = valueOf(await rig.open(rng));
        valueOf(await session.arm('notify'));
        const lost = eventOf(rig, 'linkLost');
        const restored = eventOf(rig, 'linkRestored');
        const silenced = far.sessions();
        for (const pid of silenced) process.kill(pid, 'SIGSTOP');
        expect(await lost).toMatchObject({ reason: 'nothing was heard for 3 s' });
        expect(await restored).toMatchObject({ closed: [] });
        expect(await session.arm('notify')).toMatchObject({ ok: false, error: { code: 'alreadyArmed' } });
        for (const pid of silenced) process.kill(pid, 'SIGKILL');
      },
      patient,
    );

    describe('in the console', () => {
      const begin = async (viewer: TestViewer): Promise<{ rig: string; question: string }> => {
        const rig = await viewer.ask('addRig', { kind: 'ssh', target: 'lab' });
        const asks = 'the question';
        await viewer.until(asks, (delta) => delta.kind === 'opening' && delta.opening.question !== null);
        const [opening] = (await viewer.snapshot()).openings;
        return { rig, question: opening?.question ?? '' };
      };

      it('is added after the operator has agreed to what was read', async () => {
        const service = openService({ places: places() });
        const viewer = new TestViewer(service);
        const onlooker = new TestViewer(service, { name: 'Grace', transport: 'browser' });
        const { rig, question } = await begin(viewer);
        const answer = { rig, question, agreed: true };
        expect(question).toMatch(/^lab is Linux/);
        expect(await onlooker.codeOf('answerOpening', answer)).toBe('notOperator');
        expect(await viewer.codeOf('answerOpening', { ...answer, question: 'Else?' })).toBe(
          'confirmationInvalid',
        );
        await viewer.ask('answerOpening', answer);
        await viewer.until('the rig', (delta) => delta.kind === 'rigAdded' && delta.rig.id === rig);
        expect((await viewer.rig(rig)).rig).toMatchObject({ kind: 'remote', name: 'ssh:lab' });
        expect(await viewer.codeOf('answerOpening', answer)).toBe('unknownRig');
        await viewer.ask('removeRig', { rig });
        await expectNothingRuns();
      });

      it('can be given up instead of answered, and is refused before ssh is asked', async () => {
        const viewer = new TestViewer(openService({ places: places() }));
        const { rig } = await begin(viewer);
        await viewer.ask('cancelOpening', { rig });
        await viewer.until('the end', (delta) => delta.kind === 'openingEnded' && delta.id === rig);
        expect(await viewer.snapshot()).toMatchObject({ rigs: [], openings: [] });
        expect(far.files()).toEqual([]);
        expect(await viewer.codeOf('addRig', { kind: 'ssh', target: '-oProxyCommand=id' })).toBe(
          'malformedInput',
        );
        await expectNothingRuns();
      });
    });
  },
);
