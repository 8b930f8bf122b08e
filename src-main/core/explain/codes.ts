import type { ErrorCode } from '../result.ts';
import { account, titled, type Account, type Explanation } from './explanation.ts';

/** Complete: an error code without an account does not compile. */
const codes: Readonly<Record<ErrorCode, Account>> = {
  malformedInput: account(
    'The request was not carried out, and nothing was changed.',
    'A value in it is missing, has the wrong form, or contradicts another one.',
    'Correct the value that the message names.',
  ),
  unknownRig: account(
    'There is no rig of this name.',
    'The name is misspelt, or the rig was not added to the console.',
    'List the rigs and use one of their names, for example "simulated:notify-6.1".',
  ),
  unknownAddress: account(
    'The rig has no device at this address.',
    'Only addresses that the rig itself has listed are taken; the device may have been removed.',
    'List the devices of the rig and use one of their addresses.',
  ),
  unknownScenario: account(
    'There is no scenario of this name.',
    'The name is misspelt, or the file is not among the scenarios.',
    'List the scenarios, or name the file.',
  ),
  scenarioMalformed: account(
    'The scenario was not started.',
    'Its file is not valid YAML, or holds a step that the bench does not know.',
    'Correct the line that the message names.',
  ),
  unknownCode: account(
    'The bench has no explanation for this word.',
    'It is none of the errnos, codes, phases, reasons and names that it knows.',
    'Check the spelling, or take one of the near matches.',
  ),
  protocolUnavailable: account(
    'The device was not armed.',
    'Its kernel or its driver does not offer this protocol; the bench asked the kernel and did not guess.',
    'Choose one of the protocols that the device lists, or bind it to another driver.',
    'observation 1; s390x facts, the table of kernels',
  ),
  alreadyArmed: account(
    'The device stays armed as it was.',
    'It has a protocol already, and an eventfd is registered for it.',
    'Disarm it first if another protocol or policy is wanted.',
  ),
  notArmed: account(
    'Nothing was done, because the device is not armed.',
    'No eventfd is registered, so the bench hears no error of this device.',
    'Arm the device first.',
  ),
  noOpenWait: account(
    'No ack was sent.',
    'The kernel does not wait for one: there was no signal, the wait is over, or the protocol has no ack. The kernel would have taken the ack all the same, and counted it for the next error.',
    'Wait for the next signal. If the device is not back, close and open it.',
    'observations 1 and 8',
  ),
  ackTooLate: account(
    'No ack was sent.',
    'The kernel’s time is all but over. A late ack is answered with success and may be taken for the next error.',
    'Let the wait expire. A fatal error is reset by the kernel anyway, without a second signal.',
    'observations 6 and 8',
  ),
  waitOpen: account(
    'Nothing was reset.',
    'The kernel waits for an ack and holds the device lock: a reset gets EAGAIN, and a write to the reset file in sysfs blocks for the whole wait.',
    'Ack or withdraw first.',
    'observation 11',
  ),
  recoveryOpen: account(
    'The request was not carried out.',
    'A recovery of this device is under way, and what was asked for would come between.',
    'Wait for its outcome, or close the device.',
  ),
  noOpenRecovery: account(
    'The request was not carried out.',
    'No recovery of this device is under way.',
    'Wait for a signal, or disarm the device if it should be left alone.',
  ),
  stepUnderWay: account(
    'The request was not carried out.',
    'The step before it has not come back yet.',
    'Wait for the phase to change, then ask again.',
  ),
  preflightRefused: account(
    'The fault was not injected.',
    'A check beforehand found that it would not arrive, or would hit more than the device under test.',
    'Read the reasons; change what they name, or choose another injector.',
  ),
  confirmationInvalid: account(
    'The action was not carried out.',
    'Its confirmation is used up, too old, or was given for another action.',
    'Open the card again and confirm once more.',
  ),
  kernelRefused: account(
    'The kernel refused the call.',
    'The errno beside this code says why.',
    'Ask for the explanation of the errno.',
  ),
  busy: account(
    'The call could not be carried out just now.',
    'Somebody holds the device or its lock: the kernel’s wait, a recovery that has just signalled, or another program.',
    'Wait some milliseconds and repeat it; during an open wait, ack or withdraw first.',
    'observation 11; s390x facts, mediated recovery',
  ),
  permissionDenied: account(
    'The call was refused for lack of a permission.',
    'The user of the agent may not open the file, or lacks a capability.',
    'Give the user access to the VFIO group, or run the agent with the capability.',
  ),
  notSupported: account(
    'The request was not carried out.',
    'This device, kernel or protocol has no such thing.',
    'Choose one of the ways that the device lists.',
  ),
  deviceLost: account(
    'The device is gone.',
    'It vanished from the bus, or its PE is permanently unavailable.',
    'Close it, look at the slot and the kernel log, and replug it if need be.',
  ),
  configUnreadable: account(
    'The config space could not be read.',
    'The device is in the error state, its link is down, or it is gone. Ids that VFIO answers itself prove nothing.',
    'Look at the errno and at the link of the port above.',
    's390x facts, in error',
  ),
  injectorUnavailable: account(
    'The fault was not injected.',
    'This rig does not have the injector: a module, a monitor or a permission is missing.',
    'Read the injector’s refusal, or choose another one.',
  ),
  injectionRefused: account(
    'The fault was not injected.',
    'The injector is there but refused this fault for this device.',
    'Check that the error is not masked, and that the port above handles AER.',
    'drivers/pci/pcie/aer_inject.c',
  ),
  sessionClosed: account(
    'The request was not carried out.',
    'The device was closed in the meantime.',
    'Open the device again.',
  ),
  rigClosed: account(
    'The request was not carried out.',
    'The connection to the rig has ended.',
    'Connect to the rig again.',
  ),
  malformedStruct: account(
    'What the kernel returned could not be decoded.',
    'The structure is shorter than it says, or holds values that contradict each other.',
    'Report it with the journal of the run; it holds the bytes.',
  ),
  notOperator: account(
    'The request was not carried out.',
    'Somebody else drives this console just now; one operator at a time may act.',
    'Ask for the hand-over, and act when it is granted.',
  ),
  senderRefused: account(
    'The request was not carried out.',
    'It came from a page or a frame that is not the console’s own.',
    'Use the console’s window; if this is the console’s window, report it as a defect.',
  ),
  callTimedOut: account(
    'No answer came in time; the request may still be carried out.',
    'The other side is busy, or what it asked the kernel for blocks.',
    'Watch the timeline: what happens is told there. Ask again only when it shows that nothing did.',
  ),
  linkLost: account(
    'The connection to the other side broke before the answer came.',
    'The process or the network between them ended.',
    'The recovery goes on without the page, and an agent keeps its devices for a while; reconnect, and see what has become of it.',
  ),
  otherVersion: account(
    'The bench and the agent do not talk to each other, and nothing was done on the rig.',
    'The agent on the rig is of another version of Recovery Bench; the two would misunderstand each other.',
    'Put the agent of this bench onto the rig ("npm run build:agent" makes it), and connect again.',
  ),
  malformedMessage: account(
    'The answer was left out; whether the rig did what was asked is unknown.',
    'What came over the link is not what an agent says: it is another program, or the link garbles bytes.',
    'Look at the timeline for what the rig did, and check the command line that starts the agent.',
  ),
  benchDefect: account(
    'The bench itself broke off; the request may be half done.',
    'A defect of this program, not of the rig: stderr says where.',
    'Look at the timeline for what was done, and report the lines on stderr with the journal of the run.',
  ),
  imageNotBuilt: account(
    'There is no image to start a guest from, and what was there before is as it was.',
    'It was never built, it is older than this bench, or a tool or a package that it is made with is missing.',
    'Do what the message says, then run "rbench rig build x86".',
  ),
  rigNotStarted: account(
    'The guest did not come up, and nothing of it is left.',
    'QEMU is missing or ended, or the guest’s kernel or its agent did not get as far as to answer.',
    'Read the last lines of the guest’s console in the details of the error.',
  ),
  sshRefused: account(
    'The machine was not reached, and nothing was done there.',
    'The system’s ssh got no connection, does not trust the host key, or was not let in; the bench uses its configuration, its agent and its jump hosts, and asks for no passwords.',
    'Do what the message says, until the same ssh command asks nothing in a terminal.',
  ),
  machineUnfit: account(
    'The machine was reached and looked at, and nothing was copied there.',
    'It lacks what the agent runs on: Linux on x86_64 or s390x, Node 18 or newer, and the part of the bench that calls its kernel.',
    'Install there what the message names, or build it here.',
  ),
  agentNotCopied: account(
    'The agent was not started on that machine, and nothing that was begun there is left.',
    'It was not agreed to that it is copied, or what arrived there is not what was sent.',
    'Agree to the copy, or make room in the folder that the message names.',
  ),
  journalUnwritable: account(
    'The journal could not be written, so what it announced was not done.',
    'The errno beside this code says what the disk answered.',
    'Remedy the disk and start a new run. An open wait is left to the kernel’s clock.',
  ),
  journalUnreadable: account(
    'The journal could not be read.',
    'The file is missing, or this user may not read it.',
    'Check the path and the permissions.',
  ),
  journalDamaged: account(
    'The journal holds lines that do not fit their checksum or their place.',
    'The machine lost power while it was written, or somebody edited it.',
    'Repair it: a torn last line is cut off, and what stands before it is kept.',
  ),
  unknownRun: account(
    'There is no run of this name.',
    'The name is misspelt, or the journal was moved.',
    'List the runs and use one of their names.',
  ),
};

export const explainCode = (code: ErrorCode): Explanation => titled(`${code} (error code)`, codes[code]);
