import { failure } from '../../../src-main/core/result.ts';
import type { BenchError, Result } from '../../../src-main/core/result.ts';
import { errnoOf } from '../../../src-main/core/errno.ts';
import type { UserSpaceDriver, VfioDevice } from '../../../src-main/rigs/session/vfioDevice.ts';
import { registerMapOf } from '../../../src-main/rigs/session/registers.ts';
import type { RegisterMap } from '../../../src-main/rigs/session/registers.ts';
import { simulatedDriver } from '../../../src-main/rigs/simulated/simulatedVfioDevice.ts';
import type { ProfileName } from '../../../src-main/rigs/simulated/kernel/profile.ts';
import type { TopologyName } from '../../../src-main/rigs/simulated/hardware/topologies.ts';
import { Bench, valueOf } from '../simulated/bench.ts';
import type { OpenDevice } from '../simulated/bench.ts';

export interface Port extends OpenDevice {
  readonly bench: Bench;
  readonly map: RegisterMap;
  readonly driver: UserSpaceDriver | null;
}

/** An open device of the simulated kernel, for what the session does with its port. */
export const openPort = async (
  profile: ProfileName = 'notify-7.2',
  address = '0000:01:00.0',
  topology: TopologyName = 'single',
): Promise<Port> => {
  const bench = new Bench(profile, topology);
  const device = await bench.open(address);
  const { machine } = bench.rig;
  return {
    ...device,
    bench,
    map: registerMapOf(valueOf(await device.vfio.readConfigSpace())),
    driver: simulatedDriver({ machine, device: device.kernel, core: device.core, endpoint: null }),
  };
};

export const eagain = failure('busy', 'The device lock is held.', { errno: errnoOf('EAGAIN') });
export const eio = failure('kernelRefused', 'The device does not answer.', { errno: errnoOf('EIO') });

export const errorOf = (result: Result<unknown>): BenchError | null => (result.ok ? null : result.error);

/** The port with some calls answered differently, and a list of all calls that were made. */
export const altered = (
  vfio: VfioDevice,
  answers: Partial<VfioDevice> = {},
): { readonly device: VfioDevice; readonly calls: string[] } => {
  const calls: string[] = [];
  const device = new Proxy(vfio, {
    get: (target, name: keyof VfioDevice) => {
      const member = answers[name] ?? target[name];
      if (typeof member !== 'function') return member;
      return (...parameters: unknown[]) => {
        calls.push([name, ...parameters.filter((value) => typeof value === 'number')].join(' '));
        return Reflect.apply(member, answers[name] === undefined ? target : answers, parameters);
      };
    },
  });
  return { device, calls };
};
