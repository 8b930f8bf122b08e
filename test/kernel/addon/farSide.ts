import { openSyscalls, type OpenedSyscalls } from '../../../src-main/kernel/openSyscalls.ts';
import { syscallsSuite } from '../../conformance/syscallsSuite.ts';
import { threadsSuite } from './threadsSuite.ts';

/** The suites as a program for another processor; its one word is the path of the add-on. */
const open = (): OpenedSyscalls => {
  const opened = openSyscalls('addOn', process.argv[2] ?? '');
  if (!opened.ok) throw new Error(opened.error.message);
  return opened.value;
};

const name = `the add-on on ${process.arch}`;
syscallsSuite(name, () => open().calls);
threadsSuite(name, open);
