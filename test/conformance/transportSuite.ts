import { afterEach, describe, expect, it } from 'vitest';
import type { ConsoleDelta } from '../../preload/contract/deltas.ts';
import { commandNames, type CommandName } from '../../preload/contract/names.ts';
import type { ConsoleSnapshot } from '../../preload/contract/views.ts';
import { errorCodes, type Result } from '../../src-main/core/result.ts';
import { defaultPolicy } from '../../src-main/core/recovery/policy.ts';
import type { ServiceConnection } from '../../src-main/service/benchService.ts';
import { rng } from '../service/desk.ts';
import { validInputs } from '../service/validInputs.ts';

/** A page's line to a bench with the default rig, over the transport that is tested. The first one may act. */
export interface Transport {
  /** Whether an own member `__proto__` arrives; Electron's context bridge leaves it out, so it can do no harm. */
  readonly carriesProto: boolean;
  connect(): Promise<ServiceConnection>;
  close(): Promise<void>;
}

/** What is JSON and no input of any command. */
const nonsense: readonly unknown[] = [
  null,
  true,
  7,
  '',
  'snapshot',
  [],
  [{}],
  { nonsense: 1 },
  { rig: { toString: 'x' }, device: [] },
  { __proto__: null, constructor: { prototype: {} } },
  JSON.parse(`${'['.repeat(2_000)}${']'.repeat(2_000)}`),
  { text: 'x'.repeat(100_000) },
];

const proto: unknown = JSON.parse('{"__proto__":{"rig":"simulated-1"}}');

/** What every transport of the contract has to do, whatever it is made of. */
export const transportSuite = (name: string, open: () => Promise<Transport>): void => {
  describe(`the contract over ${name}`, () => {
    const opened: Transport[] = [];
    afterEach(async () => {
      for (const transport of opened.splice(0)) await transport.close();
    });
    const connect = async (): Promise<ServiceConnection> => {
      const transport = await open();
      opened.push(transport);
      return transport.connect();
    };
    const ask = async <Value>(
      page: ServiceConnection,
      command: CommandName,
      input: unknown = {},
    ): Promise<Value> => {
      const result = await page.execute(command, input);
      if (!result.ok) throw new Error(result.error.message);
      return result.value as Value;
    };
    const expectResult = (result: Result<unknown>): void => {
      if (result.ok) return;
      expect(errorCodes).toContain(result.error.code);
      expect(result.error.message).not.toBe('');
    };
    /** Deltas so far, and a promise of the first for which something holds. */
    const listen = (page: ServiceConnection) => {
      const told: ConsoleDelta[] = [];
      const waiting = new Set<() => void>();
      const dispose = page.onDeltas((batch) => {
        told.push(...batch);
        for (const look of waiting) look();
      });
      const until = (holds: (delta: ConsoleDelta) => boolean): Promise<void> =>
        new Promise((resolve) => {
          const look = (): void => {
            if (!told.some(holds)) return;
            waiting.delete(look);
            resolve();
          };
          waiting.add(look);
          look();
        });
      return { told, dispose, until };
    };
    const armWith = (page: ServiceConnection, rig: string) =>
      page.execute('arm', { rig, device: rng, protocol: 'notify', policy: defaultPolicy });

    it('carries every command to the bench and a Result back', async () => {
      const page = await connect();
      const { rigs } = await ask<ConsoleSnapshot>(page, 'snapshot');
      const inputs = validInputs(rigs[0]?.id ?? '');
      const ends: readonly string[] = ['restartRig', 'removeRig'];
      for (const command of commandNames.filter((candidate) => !ends.includes(candidate))) {
        const result = await page.execute(command, inputs[command]);
        expectResult(result);
        // A name that did not arrive, or an input that arrived as another one, would be malformed.
        if (command !== 'offerOperator' && command !== 'answerOffer') {
          expect([command, result.ok ? 'ok' : result.error.code]).not.toEqual([command, 'malformedInput']);
        }
      }
      // The same rig anew, under an id of its own.
      const rig = await ask<string>(page, 'restartRig', inputs.restartRig);
      expect(await page.execute('removeRig', { rig })).toEqual({ ok: true });
    });

    it('answers whatever is sent with a Result, and changes nothing', async () => {
      const page = await connect();
      const before = await ask<ConsoleSnapshot>(page, 'snapshot');
      for (const command of commandNames) {
        for (const input of opened[0]?.carriesProto === true ? [...nonsense, proto] : nonsense) {
          const result = await page.execute(command, input);
          expectResult(result);
          if (result.ok) throw new Error(`${command} took ${JSON.stringify(input).slice(0, 100)}`);
        }
      }
      const after = await ask<ConsoleSnapshot>(page, 'snapshot');
      expect(after.rigs.map(({ id, armed }) => ({ id, armed }))).toEqual(
        before.rigs.map(({ id, armed }) => ({ id, armed })),
      );
    });

    it('tells every change once, in order, numbered on from the snapshot', async () => {
      const page = await connect();
      const { told, until } = listen(page);
      const { number, rigs } = await ask<ConsoleSnapshot>(page, 'snapshot');
      const rig = rigs[0]?.id ?? '';
      expect(await armWith(page, rig)).toEqual({ ok: true });
      const token = await page.execute('confirmation', { rig, device: rng, action: 'inject' });
      if (!token.ok) throw new Error(token.error.message);
      const injected = await page.execute('inject', {
        ...{ rig, device: rng, injector: 'simulated' },
        ...{ token: (token.value as { token: string }).token },
        fault: { kind: 'aer', error: 'MALF_TLP', severity: null },
      });
      expect(injected.ok).toBe(true);
      await until(
        (delta) => delta.kind === 'line' && delta.line.type === 'step' && delta.line.phase === 'awaitingAck',
      );
      const numbers = told.map((delta) => delta.number).filter((each) => each > number);
      expect(numbers.length).toBeGreaterThan(5);
      expect(numbers).toEqual(numbers.map((_, index) => number + 1 + index));
      const lines = told.flatMap((delta) => (delta.kind === 'line' ? [delta.line.seq] : []));
      expect(lines).toEqual(lines.map((_, index) => (lines[0] ?? 0) + index));
    });

    it('stops telling whoever does not want to hear any more, and nobody else', async () => {
      const page = await connect();
      const ended = listen(page);
      const kept = listen(page);
      const { rigs } = await ask<ConsoleSnapshot>(page, 'snapshot');
      ended.dispose();
      ended.dispose();
      expect((await armWith(page, rigs[0]?.id ?? '')).ok).toBe(true);
      await kept.until((delta) => delta.kind === 'line' && delta.line.type === 'armed');
      expect(ended.told.filter((delta) => delta.kind === 'line' && delta.line.type === 'armed')).toEqual([]);
    });

    it('answers many questions at once, each its own', async () => {
      const page = await connect();
      const texts = ['EAGAIN', 'EBUSY', 'ENODEV', 'EINVAL', 'ETIME', 'EIO', 'EPERM', 'EACCES'];
      const asked = Array.from({ length: 200 }, (_, index) => texts[index % texts.length] ?? '');
      const answers = await Promise.all(asked.map((text) => page.execute('explain', { text })));
      const alone = new Map<string, Result<unknown>>();
      for (const text of texts) alone.set(text, await page.execute('explain', { text }));
      expect(answers).toEqual(asked.map((text) => alone.get(text)));
    });
  });
};
