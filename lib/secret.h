/*
 * A process that holds a secret: no core dump, no ptrace by other
 * processes of the same user, nothing inherited by name.
 */
#ifndef GC_SECRET_H
#define GC_SECRET_H

/* Before the first secret is read: opts_parse calls it, for every tool may
 * have one in its environment. */
void secret_guard(void);

#endif
