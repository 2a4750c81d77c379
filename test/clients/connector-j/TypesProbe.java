/*
 * Writes and reads a table of every type through JDBC's typed setters and getters, and says what came back.
 *
 *   java -cp connector.jar TypesProbe.java URL TABLE < cells
 *
 * Input: a line of column names, a line of their types, then a line a row; cells are hexadecimal UTF-8 (the bytes themselves for a
 * BLOB), "-" for NULL, all separated by tabs. Output, separated by tabs as well:
 *
 *   cell     HOW ROW COLUMN VALUE      HOW is statement or prepared
 *   column   NAME TYPE_NAME JAVA_CLASS PRECISION SCALE NULLABLE SIGNED
 *   fact     NAME VALUE
 */
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.sql.Types;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.StringJoiner;

public class TypesProbe {
  private static final int BATCH_ROWS = 3_000;

  private final PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
  private final Connection connection;
  private final String table;
  private final String[] names;
  private final String[] types;

  public static void main(String[] arguments) throws Exception {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    String[] names = in.readLine().split("\t");
    String[] types = in.readLine().split("\t");
    List<String[]> rows = new ArrayList<>();
    for (String line = in.readLine(); line != null; line = in.readLine()) rows.add(line.split("\t", -1));
    try (Connection connection = DriverManager.getConnection(arguments[0], "root", "")) {
      TypesProbe probe = new TypesProbe(connection, arguments[1], names, types);
      probe.write(rows);
      probe.read();
      probe.describe();
      probe.transact();
      probe.batch();
      probe.stream();
    }
  }

  private TypesProbe(Connection connection, String table, String[] names, String[] types) {
    this.connection = connection;
    this.table = table;
    this.names = names;
    this.types = types;
  }

  private void write(List<String[]> rows) throws SQLException {
    StringJoiner places = new StringJoiner(", ");
    for (String name : names) places.add("?");
    String sql = "INSERT INTO " + table + " (id, at, " + String.join(", ", names) + ") VALUES (?, ?, " + places + ")";
    try (PreparedStatement insert = connection.prepareStatement(sql)) {
      for (int row = 0; row < rows.size(); row += 1) {
        insert.setString(1, "row" + row);
        insert.setLong(2, row);
        for (int column = 0; column < names.length; column += 1) {
          set(insert, column + 3, types[column], rows.get(row)[column]);
        }
        fact("inserted", insert.executeUpdate());
      }
    }
  }

  private void set(PreparedStatement insert, int at, String type, String cell) throws SQLException {
    if (cell.equals("-")) {
      insert.setNull(at, type.equals("BLOB") ? Types.BLOB : Types.VARCHAR);
      return;
    }
    byte[] bytes = HexFormat.of().parseHex(cell);
    String text = new String(bytes, StandardCharsets.UTF_8);
    switch (type.replaceAll("\\(\\d+\\)", "")) {
      case "BOOLEAN" -> insert.setBoolean(at, text.equals("1"));
      case "TINYINT", "SMALLINT", "MEDIUMINT", "INT", "TINYINT UNSIGNED", "SMALLINT UNSIGNED", "MEDIUMINT UNSIGNED" ->
        insert.setInt(at, Integer.parseInt(text));
      case "INT UNSIGNED", "BIGINT" -> insert.setLong(at, Long.parseLong(text));
      // A BigInteger above 2^63 the driver itself would send as -1.
      case "BIGINT UNSIGNED" -> insert.setBigDecimal(at, new BigDecimal(text));
      case "FLOAT" -> insert.setFloat(at, Float.parseFloat(text));
      case "DOUBLE" -> insert.setDouble(at, Double.parseDouble(text));
      case "BLOB" -> insert.setBytes(at, bytes);
      case "DATETIME" -> insert.setObject(at, dateTime(text));
      case "TIMESTAMP" -> insert.setTimestamp(at, Timestamp.valueOf(dateTime(text)));
      case "DATE" -> insert.setObject(at, LocalDate.parse(text));
      default -> insert.setString(at, text);
    }
  }

  private static LocalDateTime dateTime(String text) {
    return LocalDateTime.parse(text.replace(' ', 'T'));
  }

  private void read() throws SQLException {
    String sql = "SELECT " + String.join(", ", names) + " FROM " + table + " ORDER BY at";
    try (Statement statement = connection.createStatement(); ResultSet result = statement.executeQuery(sql)) {
      print("statement", result);
    }
    String prepared = "SELECT " + String.join(", ", names) + " FROM " + table + " WHERE id LIKE ? ORDER BY at";
    try (PreparedStatement statement = connection.prepareStatement(prepared)) {
      statement.setString(1, "row%");
      try (ResultSet result = statement.executeQuery()) {
        print("prepared", result);
      }
    }
  }

  private void print(String how, ResultSet result) throws SQLException {
    for (int row = 0; result.next(); row += 1) {
      for (int column = 0; column < names.length; column += 1) {
        line("cell", how, row, names[column], cell(result, column + 1, types[column]));
      }
    }
  }

  private static String cell(ResultSet result, int at, String type) throws SQLException {
    String text = switch (type.replaceAll("\\(\\d+\\)", "")) {
      case "BOOLEAN" -> result.getBoolean(at) ? "1" : "0";
      case "FLOAT" -> String.valueOf(result.getFloat(at));
      case "DOUBLE" -> String.valueOf(result.getDouble(at));
      case "BIGINT UNSIGNED" -> String.valueOf(result.getObject(at));
      case "DATE" -> String.valueOf(result.getObject(at, LocalDate.class));
      case "DATETIME", "TIMESTAMP" -> {
        LocalDateTime time = result.getObject(at, LocalDateTime.class);
        yield time == null ? "" : time.format(formatOf(type));
      }
      case "BLOB", "VARCHAR", "TEXT", "STRING" -> {
        byte[] bytes = result.getBytes(at);
        yield bytes == null ? "" : new String(bytes, StandardCharsets.ISO_8859_1);
      }
      default -> String.valueOf(result.getLong(at));
    };
    result.getObject(at);
    return result.wasNull() ? "-" : HexFormat.of().formatHex(text.getBytes(StandardCharsets.ISO_8859_1));
  }

  /** With as many digits as the column has: "DATETIME(3)". */
  private static DateTimeFormatter formatOf(String type) {
    int digits = type.charAt(type.length() - 2) - '0';
    return DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss" + (digits == 0 ? "" : "." + "S".repeat(digits)));
  }

  private void describe() throws SQLException {
    String sql = "SELECT " + String.join(", ", names) + " FROM " + table + " WHERE id = ?";
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      ResultSetMetaData shape = statement.getMetaData();
      if (shape == null) {
        statement.setString(1, "row0");
        shape = statement.executeQuery().getMetaData();
      }
      for (int at = 1; at <= shape.getColumnCount(); at += 1) {
        line("column", shape.getColumnName(at), shape.getColumnTypeName(at), shape.getColumnClassName(at),
            shape.getPrecision(at), shape.getScale(at), shape.isNullable(at), shape.isSigned(at));
      }
      fact("table of a column", shape.getTableName(1));
    }
    DatabaseMetaData database = connection.getMetaData();
    fact("product", database.getDatabaseProductName() + " " + database.getDatabaseMajorVersion());
    String catalog = connection.getCatalog();
    try (ResultSet tables = database.getTables(catalog, null, table, new String[] {"TABLE"})) {
      while (tables.next()) fact("table", tables.getString("TABLE_NAME"));
    }
    StringJoiner columns = new StringJoiner(",");
    try (ResultSet result = database.getColumns(catalog, null, table, "%")) {
      while (result.next()) columns.add(result.getString("COLUMN_NAME"));
    }
    fact("columns", columns);
    StringJoiner keys = new StringJoiner(",");
    try (ResultSet result = database.getPrimaryKeys(catalog, null, table)) {
      while (result.next()) keys.add(result.getString("COLUMN_NAME"));
    }
    fact("keys", keys);
  }

  private void transact() throws SQLException {
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      statement.executeUpdate("INSERT INTO " + table + " (id, at, i32) VALUES ('undone', 1, 1)");
      connection.rollback();
      statement.executeUpdate("INSERT INTO " + table + " (id, at, i32) VALUES ('done', 1, 1)");
      connection.commit();
      connection.setAutoCommit(true);
      fact("after rollback and commit", one("SELECT MIN(id) FROM " + table + " WHERE id LIKE '%done'"));
    }
    fact("isolation", connection.getTransactionIsolation());
    connection.setReadOnly(true);
    try (Statement statement = connection.createStatement()) {
      statement.executeUpdate("DELETE FROM " + table + " WHERE id = 'done'");
      fact("read only", "written");
    } catch (SQLException error) {
      fact("read only", "refused");
    }
    connection.setReadOnly(false);
    fact("valid", connection.isValid(5));
  }

  private void batch() throws SQLException {
    String sql = "INSERT INTO batched (at, n, word) VALUES (?, ?, ?)";
    long before = inserts();
    try (PreparedStatement insert = connection.prepareStatement(sql)) {
      for (int n = 0; n < BATCH_ROWS; n += 1) {
        insert.setLong(1, n);
        insert.setInt(2, n);
        insert.setString(3, "word " + n);
        insert.addBatch();
      }
      int[] counts = insert.executeBatch();
      fact("batch", counts.length);
      // 1, or "it succeeded, nobody knows how many" for a rewritten batch.
      fact("batch failures", Arrays.stream(counts).filter((count) -> count != 1 && count != Statement.SUCCESS_NO_INFO).count());
    }
    fact("batch statements", inserts() - before);
    fact("batch sum", one("SELECT CONCAT(COUNT(*), ' ', SUM(n)) FROM batched"));
    try (Statement statement = connection.createStatement()) {
      statement.executeUpdate("TRUNCATE TABLE batched");
    }
  }

  private long inserts() throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery("SHOW GLOBAL STATUS LIKE 'Com_insert'")) {
      result.next();
      return result.getLong(2);
    }
  }

  private void stream() throws SQLException {
    String sql = "SELECT n, sensor, ts, level FROM million";
    try (PreparedStatement statement = connection.prepareStatement(sql, ResultSet.TYPE_FORWARD_ONLY, ResultSet.CONCUR_READ_ONLY)) {
      // The driver's word for "row by row": otherwise it holds them all.
      statement.setFetchSize(Integer.MIN_VALUE);
      long startedMs = System.currentTimeMillis();
      long count = 0;
      long sum = 0;
      try (ResultSet result = statement.executeQuery()) {
        while (result.next()) {
          count += 1;
          sum += result.getLong(1);
          if (result.getString(2).isEmpty()) throw new IllegalStateException("no sensor");
        }
      }
      fact("streamed", count + " " + sum);
      fact("streamed in ms", System.currentTimeMillis() - startedMs);
    }
  }

  private String one(String sql) throws SQLException {
    try (Statement statement = connection.createStatement(); ResultSet result = statement.executeQuery(sql)) {
      result.next();
      return result.getString(1);
    }
  }

  private void fact(String name, Object value) {
    line("fact", name, value);
  }

  private void line(Object... words) {
    StringJoiner line = new StringJoiner("\t");
    for (Object word : words) line.add(String.valueOf(word));
    out.println(line);
  }
}
