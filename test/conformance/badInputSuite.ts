import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandNames, type CommandName } from '../../preload/contract/names.ts';
import { addRig, TestViewer } from '../service/desk.ts';
import { malformedTexts, withoutRefusals } from '../service/badPayloads.ts';
import { validInputs } from '../service/validInputs.ts';
import type { Transport } from './transportSuite.ts';

export interface PayloadTransport extends Transport {
  /** The folder of the journals. */
  readonly runs: string;
  /** Sends each of these JSON texts as the command's input; its error codes, `ok` where it was carried out. */
  answers(command: CommandName, inputs: readonly string[]): Promise<readonly string[]>;
}

/** Together, over all commands, 10^5 payloads. */
const payloadsForEach = Math.ceil(100_000 / commandNames.length);
/** The kernel still waits at the end, however slow the machine; in microseconds. */
const ackTimeout = 600_000_000;

type Line = Readonly<Record<string, unknown>>;

/** Random input over the whole way of a transport, while a kernel waits: refused, and nothing changes. */
export const badInputSuite = (name: string, open: () => Promise<PayloadTransport>): void => {
  describe(`bad input over ${name}`, () => {
    let transport: PayloadTransport;
    let viewer: TestViewer;
    let rig = '';

    const journal = async (): Promise<readonly Line[]> => {
      const { run } = await viewer.rig(rig);
      const text = readFileSync(join(transport.runs, `${run}.jsonl`), 'utf8');
      return text
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Line);
    };
    /** The journal without refusals, once it has all that was told. */
    const recorded = async (): Promise<readonly Line[]> => {
      const told = (await viewer.rig(rig)).recent.at(-1)?.seq;
      await expect.poll(async () => (await journal()).at(-1)?.['seq']).toBe(told);
      return (await journal()).filter(({ type }) => type !== 'refusal');
    };

    beforeAll(async () => {
      transport = await open();
      const connection = await transport.connect();
      viewer = new TestViewer({ connect: () => connection });
      rig = await addRig(viewer, { ackTimeout });
      await viewer.arm(rig);
      await viewer.inject(rig);
      await viewer.phase(rig, 'awaitingAck');
      // The list of devices is looked at again after the error; that is not what is tested here.
      await viewer.until('devices', (delta) => delta.kind === 'devices' && delta.rig === rig);
    }, 120_000);
    afterAll(() => transport.close());

    it('is refused 10^5 times with a code, and nothing changes', { timeout: 300_000 }, async () => {
      const before = withoutRefusals(await viewer.snapshot());
      const written = await recorded();
      expect(written.length).toBeGreaterThan(3);
      let sent = 0;
      for (const command of commandNames) {
        const inputs = malformedTexts(command, validInputs(rig)[command], payloadsForEach);
        const codes = await transport.answers(command, inputs);
        const other = codes.findIndex((code) => code !== 'malformedInput');
        expect([command, inputs[other], codes[other]]).toEqual([command, undefined, undefined]);
        sent += codes.length;
      }
      expect(sent).toBeGreaterThanOrEqual(100_000);
      expect(withoutRefusals(await viewer.snapshot())).toEqual(before);
      expect(await recorded()).toEqual(written);
      expect(await viewer.phaseOf(rig)).toBe('awaitingAck');
    });
  });
};
