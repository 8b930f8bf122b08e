import { errnoOf, type ErrnoName } from '../../core/errno.ts';
import { failure } from '../../core/result.ts';
import { formatSshTarget, type SshTarget } from '../../core/ssh/sshTarget.ts';

type Failure = ReturnType<typeof failure>;

/** What ssh ends with when it is ssh that failed, and not the command there (ssh(1), "Exit status"). */
export const sshFailed = 255;

interface Trouble {
  /** As OpenSSH says it. */
  readonly pattern: RegExp;
  readonly errno?: ErrnoName;
  readonly says: (machine: string, target: SshTarget) => string;
}

/** In a terminal ssh asks what it may not ask here. */
const byHand = ({ user, host, port }: SshTarget): string =>
  `ssh ${port === null ? '' : `-p ${port} `}${user === null ? '' : `${user}@`}${host}`;

/** What ssh-keygen(1) calls a host whose port is not 22. */
const knownAs = ({ host, port }: SshTarget): string => (port === null ? host : `[${host}]:${port}`);

/** The first that fits is said: a changed host key is also one that was not verified. */
const troubles: readonly Trouble[] = [
  {
    pattern: /REMOTE HOST IDENTIFICATION HAS CHANGED|Offending .* key/,
    says: (machine, target) =>
      `The host key of ${machine} is another one than before, so nothing was sent there: ask whoever runs the machine whether it was installed anew, then remove the old key (ssh-keygen -R '${knownAs(target)}') and connect once in a terminal (${byHand(target)}).`,
  },
  {
    pattern: /Host key verification failed|host key is known|key is not known/i,
    says: (machine, target) =>
      `The host key of ${machine} is not known here yet: connect once in a terminal (${byHand(target)}) and compare its fingerprint.`,
  },
  {
    pattern: /Permission denied/,
    says: (machine, target) =>
      `${machine} accepts no key of this user, and the bench asks for no passwords: load the key (ssh-add) or install it there (ssh-copy-id), until "${byHand(target)}" asks nothing.`,
  },
  {
    pattern: /Could not resolve hostname/,
    says: (machine) =>
      `${machine} is not known: neither the name service nor the ssh configuration has this host; check the spelling.`,
  },
  {
    pattern: /Connection refused/,
    errno: 'ECONNREFUSED',
    says: (machine) =>
      `${machine} refuses connections: start its sshd, or name the port on which it listens (user@host:port).`,
  },
  {
    pattern: /timed out|Timeout, server/i,
    errno: 'ETIMEDOUT',
    says: (machine) =>
      `${machine} does not answer: check that it is up, and that no firewall stands between; a jump host belongs into the ssh configuration.`,
  },
  {
    pattern: /No route to host|Network is unreachable/,
    errno: 'EHOSTUNREACH',
    says: (machine) =>
      `${machine} cannot be reached from here: check the network; a jump host belongs into the ssh configuration.`,
  },
];

/** What ssh said on standard error, as one sentence with what to do. */
export const sshTrouble = (target: SshTarget, said: readonly string[]): Failure => {
  const machine = formatSshTarget(target);
  const text = said.join('\n');
  const details = { said };
  const known = troubles.find(({ pattern }) => pattern.test(text));
  if (known !== undefined) {
    const errno = known.errno === undefined ? {} : { errno: errnoOf(known.errno) };
    return failure('sshRefused', known.says(machine, target), { ...errno, details });
  }
  const words = said.filter((line) => line.trim() !== '').at(-1) ?? 'it does not say why';
  return failure(
    'sshRefused',
    `ssh does not get to ${machine} (${words.replace(/\.\s*$/, '')}): try "${byHand(target)}" in a terminal.`,
    { details },
  );
};

export const sshMissing: Failure = failure(
  'sshRefused',
  'There is no ssh on this machine; install the Debian package "openssh-client".',
);
