/* SPDX-License-Identifier: MIT */
/*
 * contract.h: what every port must obey, as selftests: `selftest port` on a booted kernel,
 * tests/port/hosted64.t in a process.
 *
 *	contract_pte.c		the format of entries; what the MMU makes of them
 *	contract_layout.c	the order of addresses, zones
 *	contract_cpu.c		interrupts, preemption, locks, whole pages
 *	contract_hooks.c	the functions of port.h
 *	contract_smp.c		calls from CPU to CPU, flushes that reach all of them
 *
 * They name no port and no address.  A port whose test fails is wrong, not the test.
 */
#ifndef TESTS_PORT_CONTRACT_H
#define TESTS_PORT_CONTRACT_H

#include <quarry/port.h>
#include <quarry/pgtable.h>

#include "kernel/machine.h"
#include "tests/selftest/util.h"

#endif
