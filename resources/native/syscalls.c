/*
 * System calls, memory and the monotonic clock for JavaScript: what src-main/kernel/addOn/library.ts makes the syscalls
 * port of, where koffi has no build. Node-API alone, so one build serves every Node from 18 on; no state, so it may be
 * loaded in several threads.
 *
 * The callers of this file are the bench's own: a number where an address belongs is taken for one.
 */
#define _GNU_SOURCE
#define NAPI_VERSION 8
#include <errno.h>
#include <node_api.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Whole numbers that a double holds: Number.MAX_SAFE_INTEGER. */
#define SAFE_INTEGER 9007199254740991LL

/* syscall() takes six arguments after the number of the call. */
enum { MOST_ARGUMENTS = 7 };

struct arguments {
	uint64_t value[MOST_ARGUMENTS];
	size_t length[MOST_ARGUMENTS]; /* of a Uint8Array; 0 for everything else */
};

/* A number and a bigint stand for themselves, a Uint8Array for its address, undefined and null for 0. */
static int take(napi_env env, napi_value from, uint64_t *value, size_t *length)
{
	napi_valuetype type;
	bool is_array, lossless;
	int64_t number;
	void *data = NULL;

	*length = 0;
	if (napi_typeof(env, from, &type) != napi_ok)
		return -1;
	switch (type) {
	case napi_undefined:
	case napi_null:
		*value = 0;
		return 0;
	case napi_number:
		if (napi_get_value_int64(env, from, &number) != napi_ok)
			return -1;
		*value = (uint64_t)number;
		return 0;
	case napi_bigint:
		return napi_get_value_bigint_uint64(env, from, value, &lossless) == napi_ok ? 0 : -1;
	case napi_object:
		if (napi_is_typedarray(env, from, &is_array) != napi_ok || !is_array)
			return -1;
		if (napi_get_typedarray_info(env, from, NULL, length, &data, NULL, NULL) != napi_ok)
			return -1;
		*value = (uintptr_t)data;
		return 0;
	default:
		return -1;
	}
}

static int take_all(napi_env env, napi_callback_info info, struct arguments *arguments)
{
	napi_value given[MOST_ARGUMENTS];
	size_t count = MOST_ARGUMENTS;

	if (napi_get_cb_info(env, info, &count, given, NULL, NULL) != napi_ok)
		return -1;
	/* Those that were not given are undefined. */
	for (size_t i = 0; i < MOST_ARGUMENTS; i++) {
		if (take(env, given[i], &arguments->value[i], &arguments->length[i])) {
			napi_throw_type_error(env, NULL, "Expected numbers, bigints, Uint8Arrays or null.");
			return -1;
		}
	}
	return 0;
}

static napi_value integer(napi_env env, int64_t value)
{
	napi_value made = NULL;

	if (value > SAFE_INTEGER || value < -SAFE_INTEGER)
		napi_create_bigint_int64(env, value, &made);
	else
		napi_create_int64(env, value, &made);
	return made;
}

/* syscall(number, ...up to six arguments): what the kernel returned, minus the errno when it refused. */
static napi_value call_kernel(napi_env env, napi_callback_info info)
{
	struct arguments a;
	long returned;

	if (take_all(env, info, &a))
		return NULL;
	returned = syscall((long)a.value[0], a.value[1], a.value[2], a.value[3], a.value[4], a.value[5], a.value[6]);
	return integer(env, returned == -1 ? -errno : returned);
}

/*
 * map(length, protection, flags, fd, offset): the address, minus the errno when the kernel refused. Not by syscall():
 * number 90 of s390x is the old mmap, which takes its arguments from memory (arch/s390/kernel/syscall.c).
 */
static napi_value map(napi_env env, napi_callback_info info)
{
	struct arguments a;
	void *at;

	if (take_all(env, info, &a))
		return NULL;
	at = mmap(NULL, a.value[0], (int)a.value[1], (int)a.value[2], (int)a.value[3], (off_t)a.value[4]);
	return integer(env, at == MAP_FAILED ? -errno : (int64_t)(intptr_t)at);
}

/* load(address, width): one load of 1, 2, 4 or 8 bytes; 8 give a bigint. */
static napi_value load(napi_env env, napi_callback_info info)
{
	struct arguments a;
	napi_value made = NULL;

	if (take_all(env, info, &a))
		return NULL;
	switch (a.value[1]) {
	case 1:
		napi_create_uint32(env, *(volatile uint8_t *)(uintptr_t)a.value[0], &made);
		break;
	case 2:
		napi_create_uint32(env, *(volatile uint16_t *)(uintptr_t)a.value[0], &made);
		break;
	case 4:
		napi_create_uint32(env, *(volatile uint32_t *)(uintptr_t)a.value[0], &made);
		break;
	case 8:
		napi_create_bigint_uint64(env, *(volatile uint64_t *)(uintptr_t)a.value[0], &made);
		break;
	default:
		napi_throw_range_error(env, NULL, "A load has 1, 2, 4 or 8 bytes.");
	}
	return made;
}

/* store(address, width, value): one store of 1, 2, 4 or 8 bytes. */
static napi_value store(napi_env env, napi_callback_info info)
{
	struct arguments a;

	if (take_all(env, info, &a))
		return NULL;
	switch (a.value[1]) {
	case 1:
		*(volatile uint8_t *)(uintptr_t)a.value[0] = (uint8_t)a.value[2];
		break;
	case 2:
		*(volatile uint16_t *)(uintptr_t)a.value[0] = (uint16_t)a.value[2];
		break;
	case 4:
		*(volatile uint32_t *)(uintptr_t)a.value[0] = (uint32_t)a.value[2];
		break;
	case 8:
		*(volatile uint64_t *)(uintptr_t)a.value[0] = a.value[2];
		break;
	default:
		napi_throw_range_error(env, NULL, "A store has 1, 2, 4 or 8 bytes.");
	}
	return NULL;
}

/* copyOut(address, into): fills the Uint8Array from memory. */
static napi_value copy_out(napi_env env, napi_callback_info info)
{
	struct arguments a;

	if (take_all(env, info, &a) == 0 && a.length[1] > 0)
		memcpy((void *)(uintptr_t)a.value[1], (const void *)(uintptr_t)a.value[0], a.length[1]);
	return NULL;
}

/* copyIn(address, bytes): fills memory from the Uint8Array. */
static napi_value copy_in(napi_env env, napi_callback_info info)
{
	struct arguments a;

	if (take_all(env, info, &a) == 0 && a.length[1] > 0)
		memcpy((void *)(uintptr_t)a.value[0], (const void *)(uintptr_t)a.value[1], a.length[1]);
	return NULL;
}

/* monotonic(): CLOCK_MONOTONIC in microseconds, with a fraction. */
static napi_value monotonic(napi_env env, napi_callback_info info)
{
	struct timespec now;
	napi_value made = NULL;

	(void)info;
	clock_gettime(CLOCK_MONOTONIC, &now);
	napi_create_double(env, (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3, &made);
	return made;
}

/* The numbers of the architecture that this is compiled for, from its own headers. */
static const struct {
	const char *name;
	int number;
} calls[] = {
	{ "bind", SYS_bind },
	{ "close", SYS_close },
	{ "epoll_create1", SYS_epoll_create1 },
	{ "epoll_ctl", SYS_epoll_ctl },
	{ "epoll_wait", SYS_epoll_wait },
	{ "eventfd2", SYS_eventfd2 },
	{ "ioctl", SYS_ioctl },
	{ "munmap", SYS_munmap },
	{ "openat", SYS_openat },
	{ "poll", SYS_poll },
	{ "pread64", SYS_pread64 },
	{ "pwrite64", SYS_pwrite64 },
	{ "read", SYS_read },
	{ "socket", SYS_socket },
	{ "write", SYS_write },
};

static const struct {
	const char *name;
	napi_callback function;
} functions[] = {
	{ "syscall", call_kernel }, { "map", map },	      { "load", load },
	{ "store", store },	    { "copyOut", copy_out }, { "copyIn", copy_in },
	{ "monotonic", monotonic },
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

NAPI_MODULE_INIT()
{
	napi_value numbers, value;

	if (napi_create_object(env, &numbers) != napi_ok)
		return NULL;
	for (size_t i = 0; i < COUNT(calls); i++) {
		if (napi_create_int32(env, calls[i].number, &value) != napi_ok ||
		    napi_set_named_property(env, numbers, calls[i].name, value) != napi_ok)
			return NULL;
	}
	if (napi_set_named_property(env, exports, "numbers", numbers) != napi_ok)
		return NULL;
	for (size_t i = 0; i < COUNT(functions); i++) {
		const char *name = functions[i].name;

		if (napi_create_function(env, name, NAPI_AUTO_LENGTH, functions[i].function, NULL, &value) != napi_ok ||
		    napi_set_named_property(env, exports, name, value) != napi_ok)
			return NULL;
	}
	return exports;
}
