// A real HAProxy with the shipped configuration in front of a pair. (being written)
test.todo('haproxy');
