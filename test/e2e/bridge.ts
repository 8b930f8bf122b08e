import type { Page } from 'playwright-core';
import type { Bridge } from '../../preload/contract/bridge.ts';
import type { InputOf, OutputOf } from '../../preload/contract/commands.ts';
import type { CommandName } from '../../preload/contract/names.ts';
import type { Result } from '../../src-main/core/result.ts';

interface PageWithBridge {
  readonly recoveryBench: Record<string, (input: unknown) => Promise<unknown>> & Pick<Bridge, 'onDeltas'>;
}

/** Sends a command as the page itself would, through what the preload gave it. */
export const send = <Name extends CommandName>(
  page: Page,
  name: Name,
  input: InputOf<Name>,
): Promise<Result<OutputOf<Name>>> =>
  page.evaluate(
    ([command, argument]) => (globalThis as unknown as PageWithBridge).recoveryBench[command]?.(argument),
    [name, input] as const,
  ) as Promise<Result<OutputOf<Name>>>;

export const answerOf = async <Name extends CommandName>(
  page: Page,
  name: Name,
  input: InputOf<Name>,
): Promise<OutputOf<Name>> => {
  const result = await send(page, name, input);
  if (!result.ok) throw new Error(`${name}: ${result.error.message} (${result.error.code})`);
  return result.value;
};

/** The rig that the console begins with, once it is there. */
export const firstRig = async (page: Page): Promise<string> => {
  for (;;) {
    const { rigs } = await answerOf(page, 'snapshot', {});
    if (rigs[0] !== undefined) return rigs[0].id;
  }
};

export const phaseOf = async (page: Page, rig: string, device: string): Promise<string | undefined> => {
  const { rigs } = await answerOf(page, 'snapshot', {});
  return rigs.find(({ id }) => id === rig)?.armed.find((armed) => armed.device === device)?.state.phase;
};

/** Arms a device with the handshake and causes a fatal error: the kernel then waits for an ack. */
export const openWait = async (page: Page, rig: string, device: string): Promise<void> => {
  const fault = { kind: 'aer', error: 'MALF_TLP', severity: 'fatal' } as const;
  await answerOf(page, 'arm', {
    rig,
    device,
    protocol: 'notify',
    policy: {
      decision: 'askPerson',
      onTimeout: 'letExpire',
      afterReset: 'reinitialise',
      patience: 600_000_000,
    },
  });
  const { token } = await answerOf(page, 'confirmation', { rig, device, action: 'inject' });
  await answerOf(page, 'inject', { rig, device, token, injector: 'simulated', fault });
  while ((await phaseOf(page, rig, device)) !== 'awaitingAck');
};
