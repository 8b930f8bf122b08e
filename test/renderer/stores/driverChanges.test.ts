// @vitest-environment happy-dom
import { flushPromises } from '@vue/test-utils';
import { createPinia, setActivePinia } from 'pinia';
import { describe, expect, it } from 'vitest';
import { success } from '../../../src-main/core/result.ts';
import { useBench } from '../../../src-renderer/stores/bench.ts';
import { useDriverChanges } from '../../../src-renderer/stores/driverChanges.ts';
import { useNotices } from '../../../src-renderer/stores/notices.ts';
import { deviceView, fakeLink } from '../fakeBridge.ts';

const address = '0000:01:00.0';
const started = async (refusal: string | null) => {
  setActivePinia(createPinia());
  const link = fakeLink();
  link.answer('confirmation', (input: { action: 'unbind' }) =>
    success({
      token: 'once',
      action: input.action,
      device: address,
      recovery: null,
      consequence: '',
      known: {},
      refusal,
    }),
  );
  useBench().connect(link);
  await flushPromises();
  return { link, changes: useDriverChanges() };
};
const on = (driver: string | null) => deviceView(address, { driver });

describe('useDriverChanges', () => {
  it('gives a device back to what it was on, with a token of its own', async () => {
    const { link, changes } = await started(null);
    changes.note('one', on('vfio-pci-notify'));
    expect(changes.undoable('one', on('vfio-pci'))).toBe('vfio-pci-notify');
    expect((await changes.undo('one', on('vfio-pci'))).ok).toBe(true);
    expect(link.calls.at(-1)).toEqual({
      command: 'bind',
      input: { rig: 'one', device: address, token: 'once', driver: 'vfio-pci-notify' },
    });
    // What was undone can be undone as well.
    expect(changes.undoable('one', on('vfio-pci-notify'))).toBe('vfio-pci');
  });

  it('has nothing to undo where the device is on that driver', async () => {
    const { changes } = await started(null);
    changes.note('one', on(null));
    expect(changes.undoable('one', on('vfio-pci'))).toBeNull();
    expect(changes.undoable('one', on(null))).toBeUndefined();
    expect(changes.undoable('two', on('vfio-pci'))).toBeUndefined();
  });

  it('gives a device back to a driver of the host by the bench’s memory of it', async () => {
    const { link, changes } = await started(null);
    changes.note('one', on('nvme'));
    expect(changes.undoable('one', on('vfio-pci'))).toBe('nvme');
    expect((await changes.undo('one', on('vfio-pci'))).ok).toBe(true);
    expect(link.calls.at(-1)).toMatchObject({ command: 'bind', input: { driver: 'previous' } });
  });

  it('binds nothing when the bench refuses, and says why', async () => {
    const { link, changes } = await started('The kernel waits.');
    changes.note('one', on('vfio-pci-notify'));
    expect((await changes.undo('one', on('vfio-pci'))).ok).toBe(false);
    expect(link.calls.map(({ command }) => command)).not.toContain('bind');
    expect(useNotices().notices[0]?.error.message).toBe('The kernel waits.');
  });
});
