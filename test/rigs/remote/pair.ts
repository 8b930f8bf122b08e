import { duplexPair } from 'node:stream';
import type { Duplex } from 'node:stream';
import { Agent, type AgentOptions } from '../../../src-main/agent/agent.ts';
import { topologies } from '../../../src-main/rigs/simulated/hardware/topologies.ts';
import { profiles, type ProfileName } from '../../../src-main/rigs/simulated/kernel/profile.ts';
import { SimulatedRig } from '../../../src-main/rigs/simulated/simulatedRig.ts';
import { openRemoteRig, type LinkTiming, type RemoteRig } from '../../../src-main/rigs/remote/remoteRig.ts';

export const bench = '0.0.0-test';

export const farRig = (profileName: ProfileName, factor: number): SimulatedRig => {
  const profile = profiles[profileName];
  return new SimulatedRig({
    profile,
    topology: topologies[profile.topology],
    pace: { kind: 'paced', factor },
    seed: 1,
    wallStart: 0,
  });
};

export interface FarEnd {
  readonly rig: SimulatedRig;
  readonly agent: Agent;
  readonly log: string[];
  /** The near half of a new channel that the agent serves, and its far half. */
  connect(): { readonly near: Duplex; readonly far: Duplex };
}

/** An agent in this process, over a simulated rig. */
export const farEnd = (
  profileName: ProfileName = 'notify-6.1',
  factor = 50,
  options: Partial<AgentOptions> = {},
): FarEnd => {
  const rig = farRig(profileName, factor);
  const log: string[] = [];
  const agent = new Agent({
    ...{ rig, rate: factor, bench, grace: 60_000, log: (text) => log.push(text) },
    ...options,
  });
  return {
    rig,
    agent,
    log,
    connect: () => {
      const [near, far] = duplexPair();
      void agent.serve(far);
      return { near, far };
    },
  };
};

export const nearEnd = async (channel: Duplex, timing: Partial<LinkTiming> = {}): Promise<RemoteRig> => {
  const opened = await openRemoteRig({ channel, kind: 'remote', name: 'remote:test', bench, timing });
  if (!opened.ok) throw new Error(`${opened.error.code}: ${opened.error.message}`);
  return opened.value;
};
