"""How mail programs and people say it in many languages: here the history begins, here a signature."""

from __future__ import annotations

import re

INTRODUCTIONS = re.compile(
    r"""^(?:>\s*)?(?:
      On\ .{5,200}\ wrote:
    | (?:Am|Den)\ .{5,200}\ (?:schrieb|skrev).{0,150}:
    | Le\ .{5,200}\ a\ écrit\s*:
    | El\ .{5,200}\ escribió:
    | (?:Em|No\ dia|A)\ .{5,200}\ escreveu:
    | Il\ .{5,200}\ ha\ scritto:
    | Op\ .{5,200}\ (?:schreef|het\ volgende\ geschreven).{0,150}:
    | W\ dniu\ .{5,200}\ (?:napisał|pisze).{0,20}:
    | .{5,150}\ kirjoitti.{0,60}:
    | .{5,200}\ (?:пишет|написал).{0,5}:
    | .{5,150}<[^<>@\s]+@[^<>\s]+>.{0,5}(?:の?書きました|のメール).{0,10}:?
    | 在\ ?.{5,200}写道[:\uff1a]
    | .{2,100}\ <[^<>@\s]+@[^<>\s]+>\ (?:wrote|schrieb|skrev|schreef|escribió|a\ écrit).{0,20}:
    )\s*$""",
    re.X,
)
SEPARATORS = re.compile(
    r"""^\s*(?:
      -{3,}\ ?(?:Original[- ]?(?:Message|Nachricht|appointment)|Ursprüngliche\ Nachricht|Message\ d'origine
        |Mensaje\ original|Mensagem\ original|Messaggio\ originale|Oorspronkelijk\ bericht
        |Ursprungligt\ meddelande|Oprindelig\ meddelelse|Wiadomość\ oryginalna|Alkuperäinen\ viesti
        |Původní\ zpráva|Исходное\ сообщение|元のメッセージ|原始邮件|原始郵件|원본\ 메시지
        |Forwarded\ message|Weitergeleitete\ Nachricht)\ ?-{3,}
    | Begin\ forwarded\ message:
    )\s*$""",
    re.X | re.I,
)
UNDERSCORES = re.compile(r"^\s*_{20,}\s*$")
"""Outlook's line above the block From/Sent/To/Subject; people draw such lines too."""
DATED = re.compile(
    r"""\S@\S|\b(?:19|20)\d\d(?:\b|\s?[年년])|\b\d{1,2}(?:[:\uff1a]|\ ?h\ ?)\d{2}\b
    |\b\d{1,2}([./-])\ ?\d{1,2}\1\ ?\d{2,4}\b""",
    re.X,
)
"""An address, a date or a time: who writes "On … wrote:" as a mail program gives one."""
ANNOUNCES = re.compile(r"(?:<[^<>\s]+@[^<>\s]+>|\b20\d\d\b|\d{1,2}[.:]\d{2}).{0,80}[:\uff1a]\s*$")
"""A line that, right above a quotation, says whose it is, in whatever language."""

HEADER_BLOCK = re.compile(
    r"^[>*\s]*(?:From|Von|De|Da|Van|Från|Fra|Od|Lähettäjä"
    r"|От|差出人|发件人|寄件者|보낸 사람)\s?\*?\s*[:\uff1a]\*?\s*\S"
)
HEADER_FOLLOWS = re.compile(
    r"^[>*\s]*(?:Sent|Date|To|Subject|Gesendet|Datum|An|Betreff|Envoyé|À|Objet|Enviado(?:\ el)?|Para|Asunto"
    r"|Assunto|Inviato|Data|A|Oggetto|Verzonden|Aan|Onderwerp|Skickat|Till|Ämne|Sendt|Til|Emne|Wysłano|Wysłane|Do|Temat"
    r"|Odesláno|Komu|Předmět|Lähetetty|Aihe|Отправлено|Кому|Тема|送信日時|宛先|件名"
    r"|发送时间|收件人|主题|보낸 날짜|받는 사람|제목)"
    r"\s?\*?\s*[:\uff1a]"
)
PHONE_SENT = re.compile(
    r"""^\s*(?:
      Sent\ from\ (?:my|Outlook|Mail|Yahoo|Proton|the\ all)\b.*|Get\ Outlook\ for\b.*
    | (?:Von\ meinem|Gesendet\ von|Gesendet\ mit)\b.*|Outlook\ für\ (?:iOS|Android)\b.*
    | Envoyé\ (?:de|depuis|à\ partir)\b.*|Télécharger\ Outlook\b.*
    | Enviado\ (?:desde|do|a\ partir|de\ meu|via)\b.*|Obtener\ Outlook\b.*|Obter\ o\ Outlook\b.*
    | Inviato\ (?:da|dal)\b.*|Verzonden\ (?:vanaf|met|vanuit|via)\b.*|Skickat\ från\b.*|Sendt\ (?:fra|min)\b.*
    | Wysłane?\ z\b.*|Odesláno\ z\b.*|Lähetetty\b.*|Отправлено\ (?:с|из)\b.*
    | iPhoneから送信|发自我的.*|나의\ iPhone에서.*
    )\s*$""",
    re.X | re.I,
)
SIGN_OFFS = re.compile(
    r"""^\s*(?:
      (?:(?:kind|best|warm|many)\s*)?regards|best(?:\ wishes)?|cheers|sincerely(?:\ yours)?
    | yours\ (?:sincerely|truly|faithfully)
    | many\ thanks|thanks(?:\ (?:again|in\ advance|and\ regards))?|thank\ you|all\ the\ best|br|rgds
    | (?:mit\ )?(?:freundlichen|besten|herzlichen|vielen|schönen)\ grüßen?
    | (?:freundliche|beste|viele|liebe|schöne)\ grüße|mfg|lg|gruß
    | (?:bien\ )?cordialement|bonne\ journée|merci(?:\ d'avance)?|salutations(?:\ distinguées)?
    | saludos(?:\ cordiales)?|un\ saludo|atentamente|gracias
    | atenciosamente|cumprimentos|com\ os\ melhores\ cumprimentos|obrigad[oa]|abraços?
    | (?:cordiali|distinti)\ saluti|saluti|grazie
    | met\ vriendelijke\ groet(?:en)?|vriendelijke\ groet(?:en)?|groet(?:en)?|mvg|bedankt
    | (?:med\ )?(?:vänliga?|vennlig|venlig)\ häls(?:ning|ningar)|mvh|hälsningar
    | (?:med\ )?venn?lig\ hilsen|hilsen
    | pozdrawiam|z\ poważaniem|s\ pozdravem|terveisin|с\ уважением
    | よろしくお願いいたします。?|此致|감사합니다\.?
    )[\s,.!]*$""",
    re.X | re.I,
)
POSTSCRIPT = re.compile(r"\s*(?:p\.?\s?){1,3}s\b|\s*n\.?\s?b\b|\s*p\.?\s?d\b\.?\s*:", re.I)
CONFIDENTIAL = re.compile(
    r"confidential|privileged|vertraulich|confidentiel|confidencia|riservat|vertrouwelijk|konfidenti|fortrolig"
    r"|poufn|důvěrn|luottamuksel|конфиденциальн|機密|机密|기밀",
    re.I,
)
RECIPIENTS = re.compile(
    r"intended|recipient|addressee|empfänger|adressat|destinat|geadresseerde|bestemd|mottagare|modtager|mottaker"
    r"|adresat|vastaanottaj|адресат|受信者|收件人|수신",
    re.I,
)
"""Two words that stand together in every disclaimer below a mail."""
ENVIRONMENT = re.compile(
    r"consider the environment|think before you print|(?:an|für) die umwelt"
    r"|pense[zr] à l['\u2019]environnement|medio ?ambiente antes|meio ambiente antes|denk aan het milieu",
    re.I,
)
REGISTERED = re.compile(
    r"registered (?:office|number|no)\b|registered in (?:england|scotland|wales|ireland|the netherlands)"
    r"|company (?:no|number|reg\w*)\.?\s*:?\s*\d|registergericht\s*:|sitz der gesellschaft"
    r"|geschäftsführ\w+\s*:|\bHRB ?\d|\bUSt-?Id|\bVAT (?:no|id|reg)|\bSIRET\b\s*:?\s*\d|\bKvK\b\s*:?\s*\d",
    re.I,
)
"""What a company has to say of itself below its mails."""
SMALL_WORDS = frozenset({
    "of", "and", "the", "for", "at", "in", "to", "on", "from", "by", "de", "des", "du", "la", "le", "les",
    "et", "un", "una", "der", "die", "das", "dem", "und", "im", "am", "für", "von", "zu", "y", "e", "da",
    "do", "dos", "di", "del", "della", "den", "det", "het", "van", "og", "och", "i", "z", "w",
})  # fmt: skip
"""Words that are written small in titles and names too."""
GREETINGS = re.compile(
    r"""(?:
      hi|hello|hey|dear|good\ (?:morning|afternoon|evening|day)|greetings
    | hallo|guten\ (?:tag|morgen|abend)|moin|servus|grüß\ gott|sehr\ geehrte[rs]?|liebe[rs]?
    | bonjour|bonsoir|salut|chère?s?|madame|monsieur
    | hola|buen[oa]s\ (?:días|tardes|noches)|estimad[oa]s?|olá|oi|bom\ dia|boa\ (?:tarde|noite)|prezad[oa]s?
    | ciao|buongiorno|buonasera|salve|gentile|egregi[oa]
    | beste|geachte|goede(?:morgen|middag|navond|ndag)
    | hej|hei|hejsan|god\ (?:dag|morgon|morgen|kväll)|kära|kære
    | cześć|dzień\ dobry|witam|szanown\w+|dobrý\ den|ahoj
    | здравствуйте|привет|добрый\ (?:день|вечер)|доброе\ утро|уважаем\w+
    | こんにちは|お世話になっております|您好|你好|안녕하세요
    )\b,?(?:\s+[^\s,.!?:;]+\.?){0,3}\s*[,.!:;\u3002\uff0c\uff01-]*$""",
    re.X | re.I,
)
