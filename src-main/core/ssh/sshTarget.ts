import { failure, success, type Result } from '../result.ts';

/** A machine as ssh is asked for it. What is null is left to the configuration of ssh, which may know it by an alias. */
export interface SshTarget {
  readonly user: string | null;
  /** A name, an address, or an alias of the ssh configuration; an IPv6 address without its brackets. */
  readonly host: string;
  readonly port: number | null;
}

/**
 * Neither begins with a hyphen, which ssh would take for an option, and neither has a character that means something to
 * a shell: a ProxyCommand of the configuration may hand them to one (ssh_config(5), "%h").
 */
const userPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/;
const hostPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,252}$/;
/** With a zone, such as fe80::1%eth0. */
const ipv6Pattern = /^[0-9A-Fa-f:.]{2,45}(?:%[A-Za-z0-9][A-Za-z0-9._-]{0,31})?$/;

const shown = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);

const refuse = (text: string, why: string): Result<never> =>
  failure('malformedInput', `${shown(text)} ${why}; a machine is named as user@host or user@host:port.`);

/** `user@host:port`; user and port may be left out, and an IPv6 address stands in brackets. */
export const parseSshTarget = (text: string): Result<SshTarget> => {
  const parts = /^(?:([^@]*)@)?(?:\[([^\]]*)\]|([^:@[\]]*))(?::([^:@]*))?$/.exec(text);
  if (parts === null) return refuse(text, 'is no machine that ssh could be asked for');
  const [, user, ipv6, name, portText] = parts;
  if (user !== undefined && !userPattern.test(user)) {
    return refuse(text, 'has no user name of letters, digits, dots, hyphens and underscores before the @');
  }
  const host = ipv6 ?? name ?? '';
  if (ipv6 === undefined ? !hostPattern.test(host) : !(ipv6Pattern.test(host) && host.includes(':'))) {
    return refuse(text, 'has no host of letters, digits, dots, hyphens and underscores');
  }
  const port = portText === undefined ? null : Number(portText);
  if (port !== null && !(/^\d{1,5}$/.test(portText ?? '') && port >= 1 && port <= 65_535)) {
    return refuse(text, 'has no port from 1 to 65535 after the colon');
  }
  return success({ user: user ?? null, host, port });
};

/** As `parseSshTarget` takes it. */
export const formatSshTarget = ({ user, host, port }: SshTarget): string => {
  const written = host.includes(':') ? `[${host}]` : host;
  return `${user === null ? '' : `${user}@`}${written}${port === null ? '' : `:${port}`}`;
};
