import { hostname, release } from 'node:os';
import { failure, success, type Result } from '../../core/result.ts';
import { openKernelTrace } from '../../kernel/trace/kernelTrace.ts';
import { openMachineEvents } from '../../kernel/events/machineEvents.ts';
import { injectAer } from '../../kernel/injection/aerInject.ts';
import { hostOrder, type Kernel } from '../../kernel/kernel.ts';
import { openSyscalls } from '../../kernel/openSyscalls.ts';
import { thisMachine, type HostTree } from '../../kernel/sysfs/hostTree.ts';
import { sysfsWriter } from '../../kernel/sysfs/sysfsWrites.ts';
import { openBlockingCalls } from '../../kernel/threads/blockingCalls.ts';
import { openWaiter } from '../../kernel/waiter/waiter.ts';
import type { RigInfo } from '../rig.ts';
import { LinuxRig } from './linuxRig.ts';
import { monotonicClock } from './monotonicClock.ts';
import { vfioOpening } from './openVfio.ts';

const architectures: Readonly<Record<string, RigInfo['architecture']>> = {
  x64: 'x86_64',
  s390x: 's390x',
  ppc64: 'ppc64le',
};

/** How long a bind, an unbind or a rescan is waited for; a wait for an ack, a minute, blocks them. */
const patience = 5_000;

/** The machine that this program runs on. `tree` is another one in tests. */
export const openLinuxRig = async (tree: HostTree = thisMachine): Promise<Result<LinuxRig>> => {
  const architecture = architectures[process.arch];
  if (process.platform !== 'linux' || architecture === undefined) {
    return failure(
      'notSupported',
      `Only Linux on x86-64, s390x and POWER has a rig of its own; this is ${process.platform} on ${process.arch}.`,
    );
  }
  const opened = openSyscalls();
  if (!opened.ok) return opened;
  const { calls, provider } = opened.value;
  const waiter = openWaiter(calls, provider);
  if (!waiter.ok) return waiter;
  const blocking = openBlockingCalls(provider);
  const kernel: Kernel = { calls, blocking, waiter: waiter.value, tree };
  const rig = await LinuxRig.start({
    info: {
      kind: 'local',
      name: 'local',
      title: `This machine (${hostname()})`,
      kernel: release(),
      architecture,
    },
    clock: monotonicClock(() => kernel.calls.monotonic()),
    tree,
    write: sysfsWriter(kernel.calls, blocking),
    seconds: () => Date.now() / 1_000,
    openVfioDevice: vfioOpening(kernel),
    injectAer: (address, error) => injectAer({ ...kernel, order: hostOrder }, address, error),
    listen: (listener) => openMachineEvents({ ...kernel, listener }),
    openTrace: (listener) => openKernelTrace({ ...kernel, listener }),
    patience,
    release: async () => {
      await kernel.waiter.close();
      blocking.close();
    },
  });
  return success(rig);
};
