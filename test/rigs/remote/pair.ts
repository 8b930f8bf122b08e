import { duplexPair } from 'node:stream';
import type { Duplex } from 'node:stream';
import { Agent, type AgentOptions } from '../../../src-main/agent/agent.ts';
import { topologies } from '../../../src-main/rigs/simulated/hardware/topologies.ts';
import { profiles, type ProfileName } from '../../../src-main/rigs/simulated/kernel/profile.ts';
import { SimulatedRig } from '../../../src-main/rigs/simulated/simulatedRig.ts';
import { openRemoteRig, type LinkTiming, type RemoteRig } from '../../../src-main/rigs/remote/remoteRig.ts';

/** Looks at what goes by, after it has gone by; what it answers for an answer is put in its place. */
export interface Watch {
  readonly toFar?: (line: string, channel: Channel) => void;
  readonly toNear?: (line: string, channel: Channel) => string | null;
}

export interface Channel {
  readonly near: Duplex;
  readonly far: Duplex;
  cut(): void;
}

/** Two ends with a piece of wire between them that can be cut, or tampered with, line by line. */
export const cuttable = (watch: Watch = {}): Channel => {
  const [near, nearWire] = duplexPair();
  const [far, farWire] = duplexPair();
  const channel: Channel = {
    near,
    far,
    cut: () => {
      for (const end of [near, nearWire, far, farWire]) end.destroy();
    },
  };
  const lines = (from: Duplex, take: (line: string) => void): void => {
    let rest = '';
    from.on('data', (chunk: Buffer) => {
      const parts = `${rest}${chunk.toString('utf8')}`.split('\n');
      rest = parts.pop() ?? '';
      for (const part of parts) take(part);
    });
  };
  lines(nearWire, (line) => {
    farWire.write(`${line}\n`);
    watch.toFar?.(line, channel);
  });
  lines(farWire, (line) => {
    const changed = watch.toNear === undefined ? line : watch.toNear(line, channel);
    if (changed !== null && !nearWire.destroyed) nearWire.write(`${changed}\n`);
  });
  near.on('close', channel.cut);
  far.on('close', channel.cut);
  return channel;
};

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
  /** A new channel that the agent serves. */
  connect(watch?: Watch): Channel;
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
    connect: (watch) => {
      const channel = cuttable(watch);
      void agent.serve(channel.far);
      return channel;
    },
  };
};

export const nearEnd = async (channel: Duplex, timing: Partial<LinkTiming> = {}): Promise<RemoteRig> => {
  const opened = await openRemoteRig({ channel, kind: 'remote', name: 'remote:test', bench, timing });
  if (!opened.ok) throw new Error(`${opened.error.code}: ${opened.error.message}`);
  return opened.value;
};
