import { describe, expect, it } from 'vitest';
import { protocols } from '../../src-main/core/recovery/phase.ts';
import type { OpenWait } from '../../src-main/service/waits.ts';
import { createQuitGuard, quitQuestion, type QuitQuestion } from '../../src-main/console/quitGuard.ts';
import { whatQuittingDoes } from '../../src-main/service/quitting.ts';

const wait: OpenWait = {
  rig: 'simulated',
  device: '0000:01:00.0',
  deadline: 60_000_000,
  left: 43_200_000,
  protocol: 'notify',
};

describe('the question before quitting', () => {
  it('is not asked when nothing waits', () => {
    expect(quitQuestion([])).toBeNull();
  });

  it('names each wait, the time that it has, and what quitting does to it', () => {
    const other: OpenWait = { ...wait, device: '0000:05:00.1', left: 4_270_000, protocol: 'eeh' };
    const question = quitQuestion([wait, other]);
    expect(question?.message).toContain('2 recoveries');
    expect(question?.detail).toContain(
      `0000:01:00.0 on simulated (notify, 43 s left): ${whatQuittingDoes('notify')}`,
    );
    expect(question?.detail).toContain(
      `0000:05:00.1 on simulated (eeh, 4.3 s left): ${whatQuittingDoes('eeh')}`,
    );
    expect(question?.buttons[0]).toBe('Stay');
  });

  it('says for notify that the kernel takes the close for an acknowledgement (observation 10)', () => {
    expect(whatQuittingDoes('notify')).toMatch(/takes the close for an acknowledgement.*resets.*BARs are 0/);
  });

  it('has an answer of its own for each protocol', () => {
    expect(new Set(protocols.map(whatQuittingDoes)).size).toBe(protocols.length);
  });
});

/** A person at the dialog: `answer` is what they click. */
const desk = (waits: OpenWait[]) => {
  const asked: QuitQuestion[] = [];
  let answer: (choice: 'stay' | 'quit') => void = () => undefined;
  let fail: (cause: Error) => void = () => undefined;
  let quits = 0;
  const guard = createQuitGuard({
    waits: () => waits,
    ask: (question) => {
      asked.push(question);
      return new Promise((resolve, reject) => {
        answer = resolve;
        fail = reject;
      });
    },
    quit: () => void (quits += 1),
  });
  /** True when the window or the app was let go. */
  const leave = (): boolean => {
    let held = false;
    guard({ preventDefault: () => void (held = true) });
    return !held;
  };
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  return {
    asked,
    leave,
    waits,
    quits: () => quits,
    answer: async (choice: 'stay' | 'quit') => (answer(choice), turn()),
    fail: async () => (fail(new Error('no display')), turn()),
  };
};

describe('the guard', () => {
  it('lets go when nothing waits', () => {
    const { leave, asked } = desk([]);
    expect(leave()).toBe(true);
    expect(asked).toEqual([]);
  });

  it('holds and asks once, however often it is tried', () => {
    const { leave, asked } = desk([wait]);
    expect([leave(), leave(), leave()]).toEqual([false, false, false]);
    expect(asked).toHaveLength(1);
  });

  it('stays, and asks again the next time', async () => {
    const { leave, asked, answer, quits } = desk([wait]);
    leave();
    await answer('stay');
    expect(quits()).toBe(0);
    expect(leave()).toBe(false);
    expect(asked).toHaveLength(2);
  });

  it('quits when it was agreed to, and then holds nothing back', async () => {
    const { leave, answer, quits } = desk([wait]);
    leave();
    await answer('quit');
    expect(quits()).toBe(1);
    expect(leave()).toBe(true);
  });

  it('does not take a dialog that failed for consent', async () => {
    const { leave, fail, quits } = desk([wait]);
    leave();
    await fail();
    expect(quits()).toBe(0);
    expect(leave()).toBe(false);
  });

  it('keeps the question open when its wait ends under it', async () => {
    const lab = desk([wait]);
    lab.leave();
    lab.waits.length = 0;
    expect(lab.leave()).toBe(false);
    await lab.answer('stay');
    expect(lab.leave()).toBe(true);
  });
});
