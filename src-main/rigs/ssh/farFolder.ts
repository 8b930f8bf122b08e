/**
 * Where agents are kept on a far machine, as its shell finds it: in the cache of its user (XDG Base Directory
 * Specification), each in a folder of its own.
 */
export const agentsFolder = '"${XDG_CACHE_HOME:-$HOME/.cache}/recovery-bench/agents"';

/** Debian's program is called `nodejs` as well. */
export const findNode = 'command -v node || command -v nodejs';

/** The sockets of agents, and what these say. Among the agents' folders, so no agent's folder has this name. */
export const socketsFolder = 'run';

/**
 * Another version of the bench or of its agent is another folder. The machine, as `uname -m` names it, follows: a home may
 * be shared by machines of several kinds. `agent`: its sha256.
 */
export const farFolderPrefix = (bench: string, agent: string): string => `${bench}-${agent.slice(0, 12)}`;
