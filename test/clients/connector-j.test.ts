// MySQL Connector/J 9.1 against one node: the driver most applications of the JVM use. (being written)
test.todo('connector-j');
