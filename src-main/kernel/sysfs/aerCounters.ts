import type { AerCounters } from '../../core/faults/delivery.ts';
import { readNumber, readText } from './hostTree.ts';

/** `BadTLP 3` a line, and `TOTAL_ERR_COR 3` at the end; on 7.2 a fatal error moves the total alone. */
const totalOf = (text: string): number => {
  const lines = text.split('\n').map((line) => line.trim().split(/\s+/));
  const counts = lines.map(([name = '', count = '']) => ({ name, count: Number(count) }));
  const total = counts.find(({ name }) => name.startsWith('TOTAL_'));
  const sum = counts.filter((one) => one !== total).reduce((all, { count }) => all + (count || 0), 0);
  return total === undefined || Number.isNaN(total.count) ? sum : total.count;
};

/** aer_dev_* of a function (drivers/pci/pcie/aer.c, aer_stats_dev_attr); null where the kernel keeps none. */
export const readAerCounters = async (folder: string): Promise<AerCounters | null> => {
  const [correctable, nonFatal, fatal] = await Promise.all([
    readText(folder, 'aer_dev_correctable'),
    readText(folder, 'aer_dev_nonfatal'),
    readText(folder, 'aer_dev_fatal'),
  ]);
  if (correctable === null || nonFatal === null || fatal === null) return null;
  return { correctable: totalOf(correctable), nonFatal: totalOf(nonFatal), fatal: totalOf(fatal) };
};

/** aer_rootport_total_err_* of a root port. */
export const readRootPortCounters = async (folder: string): Promise<AerCounters | null> => {
  const [correctable, nonFatal, fatal] = await Promise.all([
    readNumber(folder, 'aer_rootport_total_err_cor'),
    readNumber(folder, 'aer_rootport_total_err_nonfatal'),
    readNumber(folder, 'aer_rootport_total_err_fatal'),
  ]);
  if (correctable === null || nonFatal === null || fatal === null) return null;
  return { correctable, nonFatal, fatal };
};
