import java.io.IOException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.SQLTransactionRollbackException;
import java.sql.SQLWarning;

/**
 * An application as docs/failover.md tells people to write one: it inserts numbered rows one by one over one JDBC URL, tries a row
 * again after an error that invites to, and prints what became of each attempt as a line of JSON. It stops at the end of its input.
 *
 * <p>Trying again after a broken connection is harmless: a row is identified by its tags and its time, and the same row written
 * twice is one row.
 *
 * <p>Arguments: the URL, the pause between two rows in ms.
 */
public final class NumberedRows {
  private static final String INSERT =
      "INSERT INTO numbered (writer, ts, number, payload) VALUES ('java', ?, ?, ?)";
  private static final String PAYLOAD = "0123456789abcdefghijklmnopqrstuvwxyz".repeat(4);
  private static final long PAUSE_AFTER_ERROR_MS = 50;

  private static volatile boolean isStopped = false;

  public static void main(String[] arguments) throws Exception {
    String url = arguments[0];
    long pauseMs = Long.parseLong(arguments[1]);
    Thread reader = new Thread(NumberedRows::waitForEndOfInput);
    reader.setDaemon(true);
    reader.start();

    Connection connection = null;
    long number = 1;
    while (!isStopped) {
      try {
        if (connection == null || connection.isClosed()) connection = DriverManager.getConnection(url);
        SQLWarning warning = insert(connection, number);
        print("acknowledged", number, hostOf(connection), warning);
        number += 1;
        Thread.sleep(pauseMs);
      } catch (SQLException error) {
        print("failed", number, hostOf(connection), error);
        // Stored, and there in the end: the one error after which the row is not sent again.
        if (error.getErrorCode() == 1180) number += 1;
        Thread.sleep(PAUSE_AFTER_ERROR_MS);
      }
    }
    if (connection != null) connection.close();
  }

  private static SQLWarning insert(Connection connection, long number) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(INSERT)) {
      statement.setLong(1, number);
      statement.setLong(2, number);
      statement.setString(3, PAYLOAD);
      statement.executeUpdate();
      return statement.getWarnings();
    }
  }

  private static String hostOf(Connection connection) {
    try {
      if (connection == null || connection.isClosed()) return "";
      return connection.unwrap(com.mysql.cj.jdbc.JdbcConnection.class).getHostPortPair();
    } catch (SQLException | RuntimeException unknown) {
      return "";
    }
  }

  private static void waitForEndOfInput() {
    try {
      while (System.in.read() >= 0) continue;
    } catch (IOException closed) {
      // The end as well.
    }
    isStopped = true;
  }

  private static void print(String outcome, long number, String host, SQLException what) {
    StringBuilder line = new StringBuilder();
    line.append("{\"outcome\":\"").append(outcome);
    line.append("\",\"number\":").append(number);
    line.append(",\"atMs\":").append(System.currentTimeMillis());
    line.append(",\"host\":\"").append(host).append('"');
    if (what != null) {
      line.append(",\"isRollback\":").append(what instanceof SQLTransactionRollbackException);
      line.append(",\"exception\":\"").append(what.getClass().getName());
      line.append("\",\"errno\":").append(what.getErrorCode());
      line.append(",\"sqlState\":\"").append(what.getSQLState());
      line.append("\",\"message\":\"").append(quoted(what.getMessage())).append('"');
    }
    System.out.println(line.append('}'));
  }

  private static String quoted(String text) {
    StringBuilder out = new StringBuilder();
    for (char c : text.toCharArray()) {
      if (c == '"' || c == '\\') out.append('\\').append(c);
      else if (c < ' ') out.append(String.format("\\u%04x", (int) c));
      else out.append(c);
    }
    return out.toString();
  }
}
