// A Java writer whose JDBC URL names both nodes of a pair, and the death of the one it writes to. (being written)
test.todo('failover-connector-j');
