/* A good next version: the same program under another build id. */
extern const char image_name[];
const char image_name[] = "next";
