import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, inject } from 'vitest';
import type { InputOf, OutputOf } from '../../preload/contract/commands.ts';
import type { CommandName } from '../../preload/contract/names.ts';
import type { Result } from '../../src-main/core/result.ts';
import { send } from './bridge.ts';
import { launchBrowser } from './launchBrowser.ts';
import { launchElectron, type LaunchedConsole } from './launchElectron.ts';

/** The console, in whichever window it is. */
export interface OpenConsole {
  readonly page: Page;
  /** The folder of this console's journals. */
  readonly runs: string;
  /** What only Electron has; null in a browser. */
  readonly electron: LaunchedConsole | null;
  /** What no control does at this moment, such as while a card is open: a command over the page's own connection. */
  ask<Name extends CommandName>(name: Name, input: InputOf<Name>): Promise<OutputOf<Name>>;
  close(): Promise<void>;
}

export type Launch = () => Promise<OpenConsole>;

const valueOf = <T>(result: Result<T>): T => {
  if (!result.ok) throw new Error(`${result.error.message} (${result.error.code})`);
  return result.value;
};

export const inElectron: Launch = async () => {
  const electron = await launchElectron(inject('stage'));
  const { page } = electron;
  return {
    page,
    runs: electron.home.runs,
    electron,
    ask: async (name, input) => valueOf(await send(page, name, input)),
    close: () => electron.close(),
  };
};

/** Keeps the socket that the page opens where `askOverSocket` finds it. */
const keepSocket = `{
  const Original = WebSocket;
  globalThis.WebSocket = class extends Original {
    constructor(...all) {
      super(...all);
      globalThis.keptSocket = this;
    }
  };
}`;

/** The page counts its own messages from 1 and passes over answers to others. */
const askOverSocket = (command: string, input: unknown): string => `new Promise((resolve) => {
  const id = 1e9 + Math.floor(performance.now() * 1000);
  keptSocket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(data);
    if (message.id === id) resolve(message.result);
  });
  keptSocket.send(JSON.stringify({ id, command: ${JSON.stringify(command)}, input: ${JSON.stringify(input)} }));
})`;

export const inChromium: Launch = async () => {
  const runs = mkdtempSync(join(tmpdir(), 'recovery-bench-runs-'));
  const browser = await launchBrowser({ runs, pageFolder: join(inject('stage').app, 'out', 'renderer') });
  const { page } = browser;
  await page.addInitScript(keepSocket);
  await page.reload();
  return {
    page,
    runs,
    electron: null,
    ask: async <Name extends CommandName>(name: Name, input: InputOf<Name>) =>
      valueOf((await page.evaluate(askOverSocket(name, input))) as Result<OutputOf<Name>>),
    close: async () => {
      await browser.close();
      rmSync(runs, { recursive: true, force: true });
    },
  };
};

/** The same tests in the Electron window and before the browser door. */
export const consoleSuite = (title: string, tests: (launch: Launch) => void): void => {
  describe.each([
    { name: 'Electron', launch: inElectron },
    { name: 'Chromium', launch: inChromium },
  ])(`${title} in $name`, ({ launch }) => {
    tests(launch);
  });
};

/** Pulls a device behind the back of whoever looks at it. */
export const unplug = async (open: OpenConsole, device: string): Promise<void> => {
  const rig = (await open.ask('snapshot', {})).rigs[0]?.id ?? '';
  const fault = { kind: 'unplug' } as const;
  const { token } = await open.ask('confirmation', { rig, device, action: 'inject', fault });
  await open.ask('inject', { rig, device, token, injector: 'simulated', fault });
};
