import { errnoNumbers, errnoOf, type Errno, type ErrnoName } from '../errno.ts';
import { deviceErrnos } from './deviceErrnos.ts';
import { titled, type Account, type Explanation } from './explanation.ts';
import { generalErrnos } from './generalErrnos.ts';
import { operations, operationTitles, type Operation } from './operations.ts';
import { systemErrnos } from './systemErrnos.ts';

/** Every operation has a table; one that is forgotten does not compile. */
const byOperation: Readonly<Record<Operation, Readonly<Partial<Record<ErrnoName, Account>>>>> = {
  ...deviceErrnos,
  ...systemErrnos,
};

const isNamed = (name: string): name is ErrnoName => Object.hasOwn(errnoNumbers, name);

/** `EAGAIN (11)`: always both, on every screen. */
const written = (errno: Errno): string =>
  isNamed(errno.name) ? `${errno.name} (${errno.number})` : `errno ${errno.number}`;

const unnamed = (errno: Errno): Account => ({
  whatHappened: `The kernel answered with errno ${errno.number}.`,
  why: 'The bench has no name for this number and has not seen it from this call.',
  whatToDo: 'Look the number up with "errno -l" on the rig, and look at the kernel log.',
});

const general = (errno: Errno): Account => (isNamed(errno.name) ? generalErrnos[errno.name] : unnamed(errno));

/** What this errno means from this call; the general meaning where the call gives it no narrower one. */
export const explainErrno = (operation: Operation, errno: Errno): Explanation => {
  const special = isNamed(errno.name) ? byOperation[operation][errno.name] : undefined;
  return titled(`${written(errno)} from ${operationTitles[operation]}`, special ?? general(errno));
};

/** What an errno means in general, and then what it means from each call that gives it a meaning of its own. */
export const explainErrnoEverywhere = (errno: Errno): readonly Explanation[] => {
  const { name } = errno;
  const special = isNamed(name)
    ? operations.filter((operation) => byOperation[operation][name] !== undefined)
    : [];
  return [
    titled(written(errno), general(errno)),
    ...special.map((operation) => explainErrno(operation, errno)),
  ];
};

/** The errnos that this call gives a meaning of their own. */
export const errnosOf = (operation: Operation): readonly Errno[] =>
  Object.keys(byOperation[operation]).filter(isNamed).map(errnoOf);
