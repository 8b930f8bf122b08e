import { auditRestore, type RestoreAudit } from '../restore/audit.ts';
import { findingText, hexadecimal, problemText, stepTraceText, verdictText } from '../restore/auditText.ts';
import { auditTable, type AuditRow, type AuditSection } from '../restore/auditTable.ts';
import { recordedRecoveries } from '../restore/recordings.ts';
import { historyOf, type RunOfDevice, type Unpack } from '../restore/runHistory.ts';
import { escaped } from './markup.ts';

const cellSigns = { same: '=', changed: '≠', back: '↩', before: '~', notRead: '·' } as const;

const registerRow = ({ register, cells }: AuditRow, baseline: number): string => {
  const { owner, label, width, values, finding, verdict } = register;
  const over = cells.map((state, index) => {
    const value = hexadecimal(values[index] ?? null, width);
    const text = state === 'same' && index !== baseline ? cellSigns.same : value;
    return `<td class="${state}">${index === baseline ? '' : state === 'same' ? '' : `${cellSigns[state]} `}${text}</td>`;
  });
  return `<tr class="${verdict}"><td></td><td>${escaped(`${owner}: ${label}`)}</td>${over.join('')}<td>${escaped(findingText(finding))}</td><td class="verdict">${verdictText[verdict]}</td></tr>`;
};

const sectionRows = (
  { step, count, cells, telling, rest, trace }: AuditSection,
  baseline: number,
): string => {
  const name = step?.name ?? 'No step';
  const picture = cells.map((state, moment) => {
    const ran = (trace?.runs[moment] ?? 0) > 0 ? '● ' : '';
    return `<td class="${state}">${ran}${count === 0 ? '' : cellSigns[state]}</td>`;
  });
  const has = count === 0 ? 'not on this device' : `${count} registers, ${rest.length} as expected`;
  return `<tr class="step"><th scope="row">${name}</th><td>${has}</td>${picture.join('')}<td>${trace === null ? '' : stepTraceText(trace)}</td><td></td></tr>${telling.map((row) => registerRow(row, baseline)).join('')}`;
};

const tableOf = (audit: RestoreAudit): string => {
  const moments = audit.moments.map(({ name }) => `<th scope="col">${escaped(name)}</th>`).join('');
  const body = auditTable(audit, 'all')
    .map((section) => sectionRows(section, audit.baseline))
    .join('');
  const hazards = audit.hazards.map(({ state, title, explanation, evidence, remedy }) =>
    state === 'present'
      ? `<li class="hazard"><b>Hazard: ${escaped(title)}</b> ${escaped(explanation)} <b>Do:</b> ${escaped(remedy)} Evidence: ${escaped(evidence)}.</li>`
      : `<li>Put right: ${escaped(title)} ${escaped(evidence)}.</li>`,
  );
  const problems = audit.problems.map((problem) => `<li>${escaped(problemText(problem))}</li>`);
  const remarks = [...hazards, ...problems];
  return `${remarks.length === 0 ? '' : `<ul>${remarks.join('')}</ul>`}<table class="restore"><thead><tr><th scope="col">Restore step</th><th scope="col">Register</th>${moments}<th scope="col">Provenance</th><th scope="col">Verdict</th></tr></thead><tbody>${body}</tbody></table>`;
};

/**
 * The audit of the recovery that begins with the line `seq`; empty when nothing was read or the kernel is not known. `= as
 * when armed, ≠ differs, ↩ as when armed again`.
 */
export const restoreTable = (run: RunOfDevice, seq: number, unpack: Unpack): string => {
  const recovery = recordedRecoveries(run.lines).find((one) => one.seq === seq);
  const history = recovery === undefined ? null : historyOf(run, recovery, unpack);
  if (history === null) return '';
  const audit = auditRestore(history);
  if (audit.size === 0) return '';
  return `<h3>State restore, by the steps of Linux ${history.kernel}</h3>${tableOf(audit)}<p>= as when armed, ≠ differs, ↩ as when armed again, · not read${audit.steps.some(({ trace }) => trace.events.length > 0) ? ', ● a trace saw the step run before that moment' : ''}.</p>`;
};
