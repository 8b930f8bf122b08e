import type { SshTarget } from '../../core/ssh/sshTarget.ts';

/** A machine, and the ssh that reaches it. */
export interface SshAccess {
  readonly target: SshTarget;
  /** A configuration instead of the user's; null: the user's own, with its aliases, jump hosts and keys. */
  readonly config: string | null;
}

/**
 * Beside what the user's configuration says (ssh_config(5)). Nothing is asked at a terminal, nothing of this machine is
 * handed on, and no master stays behind; one that is there is used. A link that answers nothing for 15 s is over, as the
 * link of the bench is.
 */
const options: readonly string[] = [
  'BatchMode=yes',
  'ConnectTimeout=15',
  'ServerAliveInterval=5',
  'ServerAliveCountMax=3',
  'ControlMaster=no',
  'ClearAllForwardings=yes',
  'ForwardAgent=no',
  'ForwardX11=no',
  'PermitLocalCommand=no',
  'RemoteCommand=none',
  'RequestTTY=no',
  'LogLevel=ERROR',
];

/** The words after `ssh`. `command` is what the far login shell runs, whichever shell that is. */
export const sshWords = ({ target, config }: SshAccess, command: string): readonly string[] => [
  ...(config === null ? [] : ['-F', config]),
  ...options.flatMap((option) => ['-o', option]),
  ...(target.port === null ? [] : ['-p', String(target.port)]),
  ...(target.user === null ? [] : ['-l', target.user]),
  // A host that begins with a hyphen is refused before it comes here; this holds also if it were not.
  '--',
  target.host,
  command,
];
