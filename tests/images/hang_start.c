/* Never comes beyond its start, whatever it is started for. */
/* wrap: title_init */
#include <unistd.h>

void __wrap_title_init(int argc, char **argv);

void __wrap_title_init(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    for (;;)
        pause();
}
