import { inject } from 'vitest';
import type { DeltaBatch } from '../../preload/contract/deltas.ts';
import type { Result } from '../../src-main/core/result.ts';
import type { ServiceConnection } from '../../src-main/service/benchService.ts';
import { badInputSuite, type PayloadTransport } from '../conformance/badInputSuite.ts';
import { transportSuite } from '../conformance/transportSuite.ts';
import { firstRig } from './bridge.ts';
import { launchElectron } from './launchElectron.ts';

// The contract over Electron's IPC: from the page of the built app, through the preload, to the bench.

/** As the page itself calls: what the preload's bridge throws is a lost link (src-renderer/bridge/timeLimit.ts). */
const caller = `globalThis.callBench = async (command, text) => {
  try {
    return await recoveryBench[command](JSON.parse(text));
  } catch (thrown) {
    return { ok: false, error: { code: 'linkLost', message: String(thrown) } };
  }
};`;

const openIpc = async (): Promise<PayloadTransport> => {
  const { page, home, close } = await launchElectron(inject('stage'));
  await firstRig(page);
  const listeners = new Map<number, (batch: DeltaBatch) => void>();
  await page.exposeFunction('hearDeltas', (id: number, batch: DeltaBatch) => listeners.get(id)?.(batch));
  await page.evaluate(`${caller} globalThis.disposers = {};`);
  /** One after the other, so that whoever listens is heard before what comes next. */
  let last: Promise<unknown> = Promise.resolve();
  const inOrder = (program: string): void => {
    last = last.then(() => page.evaluate(program));
  };
  let count = 0;
  const connection: ServiceConnection = {
    execute: async (command, input) => {
      await last;
      const call = `callBench(${JSON.stringify(command)}, ${JSON.stringify(JSON.stringify(input))})`;
      return (await page.evaluate(call)) as Result<unknown>;
    },
    onDeltas: (listener) => {
      const id = (count += 1);
      listeners.set(id, listener);
      inOrder(`disposers[${id}] = recoveryBench.onDeltas((batch) => void hearDeltas(${id}, batch));`);
      return () => inOrder(`disposers[${id}]();`);
    },
    close: () => undefined,
  };
  return {
    runs: home.runs,
    carriesProto: false,
    connect: () => Promise.resolve(connection),
    answers: (command, inputs) =>
      page.evaluate(
        `Promise.all(${JSON.stringify(inputs)}.map((input) => callBench(${JSON.stringify(command)}, input)))
          .then((results) => results.map((result) => (result.ok ? 'ok' : result.error.code)))`,
      ) as Promise<string[]>,
    close,
  };
};

transportSuite('Electron’s IPC', openIpc);
badInputSuite('Electron’s IPC', openIpc);
