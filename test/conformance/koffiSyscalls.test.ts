import { koffiSyscalls } from '../../src-main/kernel/koffiSyscalls.ts';
import { syscallsSuite } from './syscallsSuite.ts';

syscallsSuite('koffi', koffiSyscalls);
