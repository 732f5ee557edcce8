/* SPDX-License-Identifier: MIT */
/*
 * shell.h: the way in.
 */
#ifndef KERNEL_SHELL_H
#define KERNEL_SHELL_H

/** shell_main() - the shell's thread: runs cmd="..." or asks a person, then powers off. */
void shell_main(void *arg);

#endif
