/*
 * A process that holds a secret: no core dump, no ptrace by other
 * processes of the same user, nothing inherited by name.
 */
#ifndef GC_SECRET_H
#define GC_SECRET_H

/* Call before the first secret is read. */
void secret_guard(void);

#endif
