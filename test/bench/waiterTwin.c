/*
 * The two sides that the waiter is measured with. Descriptors come open: 3 is the eventfd to signal, 4 the one that
 * acknowledges, both non-blocking.
 *
 *   waiterTwin wait               waits with poll() and acknowledges: what a C program would do
 *   waiterTwin signal spin N      N rounds, looking for the ack without sleeping
 *   waiterTwin signal sleep N     N rounds, sleeping until the ack
 *
 * `signal` writes "ready", waits for a line on its input, and then writes the nanoseconds of each round.
 */
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SIGNAL = 3, ACKNOWLEDGED = 4, PAUSE = 100000 /* nanoseconds */ };

static const uint64_t one = 1;

static int64_t nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Until the other side sleeps again. */
static void rest(int spins)
{
	const struct timespec pause = { .tv_nsec = PAUSE };

	if (!spins)
		nanosleep(&pause, NULL);
	for (int64_t until = nanoseconds() + PAUSE; spins && nanoseconds() < until;)
		;
}

static int await(int fd)
{
	struct pollfd entry = { .fd = fd, .events = POLLIN };

	return poll(&entry, 1, -1);
}

static int wait_for_signals(void)
{
	uint64_t count;

	while (await(SIGNAL) > 0) {
		if (read(SIGNAL, &count, sizeof(count)) != sizeof(count))
			return 1;
		if (write(ACKNOWLEDGED, &one, sizeof(one)) != sizeof(one))
			return 1;
	}
	return 1;
}

static int signal_and_measure(int spins, long rounds)
{
	int64_t *took = calloc(rounds, sizeof(*took));
	char line[8];
	uint64_t count;

	if (!took)
		return 1;
	puts("ready");
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return 1;
	for (long round = 0; round < rounds; round++) {
		int64_t begun = nanoseconds();

		if (write(SIGNAL, &one, sizeof(one)) != sizeof(one))
			return 1;
		if (!spins)
			await(ACKNOWLEDGED);
		while (read(ACKNOWLEDGED, &count, sizeof(count)) != sizeof(count))
			;
		took[round] = nanoseconds() - begun;
		rest(spins);
	}
	for (long round = 0; round < rounds; round++)
		printf("%lld\n", (long long)took[round]);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "wait"))
		return wait_for_signals();
	if (argc == 4 && !strcmp(argv[1], "signal"))
		return signal_and_measure(!strcmp(argv[2], "spin"), atol(argv[3]));
	return 2;
}
